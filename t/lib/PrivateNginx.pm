# An nginx of a suite's own, outside Test::Nginx, so that it can be reloaded,
# replaced and killed:
#
#     my $nginx = PrivateNginx->new(database => $pg->conninfo, workers => 2);
#     $nginx->post($key, $body)             # ->{status}, {header}, {body}
#     $nginx->signal('HUP'); $nginx->upgrade; $nginx->quit;
#     $nginx->kill_worker; $nginx->kill; $nginx->start;
#
# It goes away with the suite.

package PrivateNginx;

use strict;
use warnings;

use IO::Socket::INET;
use OpenAPI;
use Time::HiRes qw(sleep time);


my $Count = 0;

# What is still alive if the suite dies.
my %Alive;


# A suite that is told to stop, or that hangs, has to clean up as well.
sub guard {
    my ($seconds) = @_;

    $SIG{$_} = sub { exit 1 } for qw(INT TERM HUP PIPE);

    $SIG{ALRM} = sub {
        print "Bail out! $0 has taken more than $seconds seconds\n";
        exit 255;
    };

    alarm $seconds;
}


# database, workers, timeout (of a request); main and http are more directives;
# clock: so many seconds its time of day is ahead of ours.
sub new {
    my ($class, %option) = @_;

    my $self = bless {
        owner => $$,
        dir => "$ENV{AGENTVISTA_TEST_DIR}/nginx-$$-" . $Count++,
        port => free_port(),
        binary => $ENV{TEST_NGINX_BINARY} || 'nginx',
        workers => 2,
        timeout => '10s',
        main => '',
        http => '',
        clock => 0,
        %option
    }, $class;

    mkdir $self->{dir} or die "$self->{dir}: $!";
    mkdir "$self->{dir}/$_" for qw(logs tmp);

    $self->configure;
    $self->start;

    return $self;
}


sub configure {
    my $self = shift;

    my $load = join '', map { "load_module $_;\n" }
                        split ' ', $ENV{TEST_NGINX_LOAD_MODULES} // '';
    my $user = $> == 0 ? 'user root;' : '';

    open my $conf, '>', "$self->{dir}/nginx.conf" or die $!;
    print $conf <<END;
$load
$user
worker_processes $self->{workers};
pid logs/nginx.pid;
error_log logs/error.log info;
$self->{main}
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path tmp;
    proxy_temp_path tmp;
    fastcgi_temp_path tmp;
    uwsgi_temp_path tmp;
    scgi_temp_path tmp;
    keepalive_requests 1000000;

    agentvista_database "$self->{database}";
    agentvista_zone 4m;
    agentvista_timeout $self->{timeout};
    agentvista_connect_timeout 2s;
$self->{http}

    server {
        listen 127.0.0.1:$self->{port} backlog=1024;
        location /api/v1/ { agentvista; }
        location = /readyz { agentvista_status readyz; }
        location = /metrics { agentvista_status metrics; }
    }
}
END
    close $conf;
}


sub start {
    my $self = shift;

    local %ENV = %ENV;

    if ($self->{clock}) {
        my $library = "$self->{dir}/clock.so";

        system("cc -shared -fPIC -O1 -o '$library' t/lib/clock.c") == 0
            or die "cannot compile t/lib/clock.c\n";

        $ENV{LD_PRELOAD} = $library;
        $ENV{AGENTVISTA_TEST_CLOCK} = $self->{clock};
    }

    # A daemon, since another master can take over only from one whose parent
    # is gone.
    system("'$self->{binary}' -p '$self->{dir}/' -c '$self->{dir}/nginx.conf'"
           . " -e logs/error.log >> '$self->{dir}/logs/output' 2>&1") == 0
        or die "nginx does not start: see $self->{dir}/logs\n";

    $Alive{$self->{dir}} = $self;

    wait_for(10, sub { $self->{master} = $self->pid_file })
        or die "nginx has no pid: see $self->{dir}/logs\n";

    wait_for(10, sub {
        IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                              PeerPort => $self->{port});
    }) or die "nginx does not listen: see $self->{dir}/logs\n";
}


# Waits until the database can be used through it.
sub ready {
    my ($self, $seconds) = @_;

    return wait_for($seconds // 20, sub {
        ($self->get('/readyz', undef, 5)->{status} // 0) == 200
    });
}


# All of the workers' connections, of which "ready" needs only some: those that
# were lost come back one after the other.
sub connected {
    my ($self, $seconds) = @_;

    my $pools = 2 + 4;      # the defaults of agentvista_writers and _readers

    return wait_for($seconds // 20, sub {
        ($self->metric('agentvista_pool_connections', 'state="ready"') // 0)
            == $self->{workers} * $pools
        && $self->metric('agentvista_database_listening')
    });
}


sub signal {
    my ($self, $signal) = @_;

    CORE::kill $signal, $self->{master};
}


# The worker processes, also of a generation that is shutting down.
sub workers {
    my $self = shift;

    return children($self->{master});
}


# Reloads; returns when the new generation is there.
sub reload {
    my $self = shift;

    my %old = map { $_ => 1 } $self->workers;

    $self->signal('HUP');

    return wait_for(10, sub {
        $self->{workers} <= grep { !$old{$_} } $self->workers
    });
}


# The old generation, after a reload.
sub wait_workers {
    my ($self, $seconds) = @_;

    return wait_for($seconds, sub { $self->workers == $self->{workers} });
}


# Replaces the running binary, as an operator would: the new master takes over,
# the old one quits.
sub upgrade {
    my ($self, $seconds) = @_;

    my $old = $self->{master};

    $self->signal('USR2');

    wait_for(10, sub {
        -e "$self->{dir}/logs/nginx.pid.oldbin"
        && -s "$self->{dir}/logs/nginx.pid"
        && $self->pid_file != $old
        && children($self->pid_file) >= $self->{workers}
    }) or die "there is no new master\n";

    my $new = $self->pid_file;

    $Alive{"$self->{dir} old"} = bless { %$self, master => $old,
                                         owner => $$ }, 'PrivateNginx::Old';
    $self->{master} = $new;

    CORE::kill QUIT => $old;

    my $done = wait_for($seconds // 20, sub { gone($old) });

    delete $Alive{"$self->{dir} old"} if $done;

    return $done;
}


sub pid_file {
    my $self = shift;

    open my $file, '<', "$self->{dir}/logs/nginx.pid" or return 0;
    my $pid = <$file> // 0;

    return int $pid;
}


# Graceful; true if all are gone in time.
sub quit {
    my ($self, $seconds) = @_;

    $self->signal('QUIT');

    return $self->wait_gone($seconds);
}


sub wait_gone {
    my ($self, $seconds) = @_;

    my $master = $self->{master};
    my $done = wait_for($seconds // 20, sub { gone($master) });

    delete $Alive{$self->{dir}} if $done;

    return $done;
}


# kill -9 of one worker; the master starts another.
sub kill_worker {
    my $self = shift;

    my @workers = $self->workers;
    my $pid = $workers[rand @workers] or return;

    CORE::kill KILL => $pid;

    return $pid;
}


# kill -9 of the master and then of its workers, who would serve on.
sub kill {
    my $self = shift;

    my @pids = ($self->{master}, $self->workers);

    CORE::kill KILL => $_ for @pids;
    unlink "$self->{dir}/logs/nginx.pid";

    wait_for(5, sub { !grep { !gone($_) } @pids })
        or die "nginx survives kill -9\n";

    delete $Alive{$self->{dir}};
}


sub log {
    my $self = shift;

    open my $file, '<', "$self->{dir}/logs/error.log" or return '';
    local $/;

    return <$file> // '';
}


# The lines of the error log of one of these levels.
sub logged {
    my ($self, @levels) = @_;

    my $levels = join '|', @levels;

    return grep { /\[(?:$levels)\]/ } split /^/, $self->log;
}


# Resident memory of the largest worker, in kB.
sub rss {
    my $self = shift;

    my $max = 0;

    for my $pid ($self->workers) {
        open my $file, '<', "/proc/$pid/status" or next;
        my ($kb) = map { /^VmRSS:\s+(\d+)/ } <$file>;
        $max = $kb if defined $kb && $kb > $max;
    }

    return $max;
}


# Sockets and files that all workers have open.
sub descriptors {
    my $self = shift;

    my $n = 0;
    $n += () = glob "/proc/$_/fd/*" for $self->workers;

    return $n;
}


# A value of /metrics, added up over labels, or over those with the given one.
sub metric {
    my ($self, $name, $label) = @_;

    my $sum;

    for (split /\n/, $self->get('/metrics')->{body} // '') {
        next if defined $label && !/\Q$label\E/;
        $sum += $1 if /^\Q$name\E(?:\{[^}]*\})? (\S+)$/;
    }

    return $sum;
}


# One request on a connection of its own.  An answer is a hash with status,
# header and body; without one there is only error.

sub post {
    my ($self, $key, $body, $seconds) = @_;

    return $self->exchange($self->post_text($key, $body), $seconds);
}


sub get {
    my ($self, $path, $key, $seconds) = @_;

    my $authorization = $key ? "Authorization: Bearer $key\r\n" : '';

    return $self->exchange("GET $path HTTP/1.1\r\nHost: localhost\r\n"
                           . "${authorization}Connection: close\r\n\r\n",
                           $seconds);
}


sub post_text {
    my ($self, $key, $body) = @_;

    return "POST /api/v1/traces/batch HTTP/1.1\r\nHost: localhost\r\n"
           . "Authorization: Bearer $key\r\nConnection: close\r\n"
           . "Content-Type: application/json\r\n"
           . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}


sub connect {
    my $self = shift;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                 PeerPort => $self->{port});
}


sub exchange {
    my ($self, $text, $seconds) = @_;

    my $socket = $self->connect or return { error => 'refused' };

    $socket->autoflush(1);
    local $SIG{PIPE} = 'IGNORE';
    print $socket $text;

    my $answer = answer($socket, $seconds);

    OpenAPI::seen($text, $answer) if OpenAPI::enabled();

    return $answer;
}


# Reads the answer to the end of the connection.
sub answer {
    my ($socket, $seconds) = @_;

    my $end = time + ($seconds // 60);
    my $text = '';

    while (1) {
        my $left = $end - time;
        vec(my $in = '', fileno $socket, 1) = 1;

        return { error => 'timeout' }
            if $left <= 0 || select($in, undef, undef, $left) <= 0;

        my $n = sysread $socket, $text, 65536, length $text;

        return { error => "reset: $!" } if !defined $n;
        last if $n == 0;
    }

    my ($head, $body) = split /\r\n\r\n/, $text, 2;

    return { error => 'closed' } if !defined $body;

    my ($status) = $head =~ m{^HTTP/1\.1 (\d+)};
    my %header = map { /^([^:]+): (.*)/ ? (lc $1 => $2) : () }
                     split /\r\n/, $head;

    return { status => $status, header => \%header, body => $body };
}


# Processes.

sub children {
    my ($pid) = @_;

    open my $file, '<', "/proc/$pid/task/$pid/children" or return;
    my $pids = <$file> // '';

    # a fork of a worker that runs something else, or a new master, is none
    return grep { name($_) =~ /worker/ } split ' ', $pids;
}


sub name {
    my ($pid) = @_;

    open my $file, '<', "/proc/$pid/cmdline" or return '';

    return <$file> // '';
}


# True of a zombie, too: whose child it is may be slow to notice.
sub gone {
    my ($pid) = @_;

    open my $file, '<', "/proc/$pid/stat" or return 1;
    my $stat = <$file> // '';

    return $stat !~ /^\d+ \(.*\) [^ZX]/s;
}


sub wait_for {
    my ($seconds, $condition) = @_;

    my $end = time + $seconds;

    while (1) {
        my $value = $condition->();

        return $value if $value;
        return 0 if time > $end;

        sleep 0.02;
    }
}


sub free_port {
    while (1) {
        my $port = 20000 + int rand 12000;

        return $port
            if IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                     LocalPort => $port, Listen => 1);
    }
}


END {
    my $status = $?;

    for my $self (values %Alive) {
        next if $self->{owner} != $$;

        CORE::kill KILL => $_
            for $self->{master}, children($self->{master});
    }

    $? = $status;
}


1;
