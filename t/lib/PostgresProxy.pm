# A process between nginx and Postgres that can be told to misbehave:
#
#     my $proxy = PostgresProxy->new($pg);
#     $proxy->conninfo                  # for agentvista_database
#     $proxy->tell('stall')             # neither side hears of the other
#     $proxy->tell('pass')              # as it was; sends what was held back
#     $proxy->tell('cut')               # all connections, now
#     $proxy->tell('refuse')            # cut, and each new one as well
#
# and, once, at the next transaction that runs one of the named statements:
#
#     $proxy->tell('before_sync NAMES') # cut before the server gets the Sync
#     $proxy->tell('after_sync NAMES')  # cut when the server has committed and
#                                       # said so, which the client never hears
#     $proxy->tell('in_sync NAMES')     # cut right after the Sync was passed on
#     $proxy->tell('bytes N NAMES')     # cut N bytes into the transaction
#
# NAMES is one or more names, separated by commas.  $proxy->cuts tells how many
# of these have happened.

package PostgresProxy;

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC IPPROTO_TCP TCP_NODELAY);


sub new {
    my ($class, $pg) = @_;

    my ($dir, $port) = $pg->conninfo =~ /host=(\S+) port=(\d+)/;

    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128)
        or die "listen: $!";

    socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC
        or die "socketpair: $!";

    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP ALRM);
        $SIG{PIPE} = 'IGNORE';
        close $ours;

        eval {
            PostgresProxy::Loop->new("$dir/.s.PGSQL.$port", $listen,
                                     $theirs)->run;
        };
        print STDERR $@ if $@;

        # nothing of the suite's is to run here
        POSIX::_exit($@ ? 1 : 0);
    }

    close $theirs;

    return bless { pid => $pid, owner => $$, control => $ours,
                   port => $listen->sockport }, $class;
}


sub conninfo {
    my $self = shift;

    return "host=127.0.0.1 port=$self->{port} user=agentvista"
           . ' dbname=agentvista sslmode=disable';
}


# Returns when it is so.
sub tell {
    my ($self, $command) = @_;

    syswrite $self->{control}, "$command\n";
    sysread $self->{control}, my $answer, 4096 or die "the proxy has died\n";
    chomp $answer;

    return $answer;
}


sub cuts {
    return $_[0]->tell('cuts');
}


sub DESTROY {
    my $self = shift;

    return if $self->{owner} != $$;

    local $?;
    kill KILL => $self->{pid};
    waitpid $self->{pid}, 0;
}


package PostgresProxy::Loop;

use strict;
use warnings;

use Socket qw(IPPROTO_TCP TCP_NODELAY);


sub new {
    my ($class, $path, $listen, $control) = @_;

    $listen->blocking(0);

    return bless { path => $path, listen => $listen, control => $control,
                   pairs => {}, stalled => 0, refuse => 0, cuts => 0 }, $class;
}


sub run {
    my $self = shift;

    while (1) {
        my @read = ($self->{control}, $self->{listen});
        my @write;

        for my $pair (values %{ $self->{pairs} }) {
            push @read, grep { !$self->{stalled} }
                             $pair->{client}, $pair->{server};
            push @write, $pair->{client} if length $pair->{to_client};
            push @write, $pair->{server} if length $pair->{to_server};
        }

        @write = () if $self->{stalled};

        my ($can_read, $can_write)
            = IO::Select->select(IO::Select->new(@read),
                                 IO::Select->new(@write), undef, 10);

        for my $socket (@{ $can_write // [] }) {
            $self->flush($socket);
        }

        for my $socket (@{ $can_read // [] }) {
            if ($socket == $self->{control}) {
                $self->command or return;

            } elsif ($socket == $self->{listen}) {
                $self->accept;

            } else {
                $self->input($socket);
            }
        }
    }
}


sub command {
    my $self = shift;

    # the suite is gone: so are we
    sysread $self->{control}, my $text, 4096 or return 0;

    my ($verb, @words) = split ' ', $text;

    if ($verb eq 'cuts') {
        syswrite $self->{control}, "$self->{cuts}\n";
        return 1;
    }

    if ($verb eq 'cut' || $verb eq 'refuse') {
        $self->close($_) for values %{ $self->{pairs} };
        $self->{refuse} = $verb eq 'refuse';

    } elsif ($verb eq 'stall') {
        $self->{stalled} = 1;

    } elsif ($verb eq 'pass') {
        $self->{stalled} = 0;
        $self->{refuse} = 0;
        delete $self->{armed};

    } else {
        my $bytes = $verb eq 'bytes' ? shift @words : undef;

        $self->{armed} = {
            verb => $verb, bytes => $bytes,
            names => { map { $_ => 1 } split /,/, $words[0] }
        };
    }

    syswrite $self->{control}, "ok\n";

    return 1;
}


sub accept {
    my $self = shift;

    my $client = $self->{listen}->accept or return;

    if ($self->{refuse}) {
        $client->close;
        return;
    }

    my $server = IO::Socket::UNIX->new(Peer => $self->{path});

    if (!$server) {
        $client->close;
        return;
    }

    setsockopt $client, IPPROTO_TCP, TCP_NODELAY, 1;

    my $pair = { client => $client, server => $server,
                 to_client => '', to_server => '', parsed => '',
                 started => 0, wanted => 0, sent => 0 };

    for my $socket ($client, $server) {
        $socket->blocking(0);
        $self->{pairs}{$pair} = $pair;
        $self->{of}{$socket} = $pair;
    }
}


sub close {
    my ($self, $pair) = @_;

    delete $self->{pairs}{$pair};

    for my $socket ($pair->{client}, $pair->{server}) {
        delete $self->{of}{$socket};
        $socket->close;
    }
}


sub input {
    my ($self, $socket) = @_;

    my $pair = $self->{of}{$socket} or return;
    my $n = sysread $socket, my $data, 65536;

    return if !defined $n && $!{EAGAIN};

    if (!$n) {
        # the last words first
        $self->flush($pair->{client}) if $socket == $pair->{server};
        $self->close($pair) if $self->{of}{$socket};
        return;
    }

    if ($socket == $pair->{server}) {
        $self->from_server($pair, $data);

    } else {
        $pair->{parsed} .= $data;
        $self->from_client($pair);
    }
}


# Once the transaction is doomed nothing is passed on, but looked at for its
# end: ReadyForQuery.
sub from_server {
    my ($self, $pair, $data) = @_;

    if (!$pair->{deaf}) {
        $pair->{to_client} .= $data;
        $self->flush($pair->{client});
        return;
    }

    $pair->{heard} .= $data;

    if ($pair->{heard} =~ /Z\x00\x00\x00\x05.\z/s) {
        $self->{cuts}++;
        $self->close($pair);
    }
}


# Messages of the client, each as a whole.
sub from_client {
    my ($self, $pair) = @_;

    while (1) {
        my $head = $pair->{started} ? 1 : 0;

        last if length $pair->{parsed} < $head + 4;

        my $length = $head + unpack 'N', substr $pair->{parsed}, $head, 4;

        last if length $pair->{parsed} < $length;

        my $message = substr $pair->{parsed}, 0, $length, '';

        if ($pair->{started}) {
            $self->message($pair, $message) or return;

        } else {
            $pair->{started} = 1;
            $pair->{to_server} .= $message;
        }
    }

    $self->flush($pair->{server});
}


# False if the connection was cut.
sub message {
    my ($self, $pair, $message) = @_;

    my $type = substr $message, 0, 1;
    my $armed = $self->{armed};

    # Bind: a portal's and a statement's name
    if ($armed && !$pair->{wanted} && $type eq 'B') {
        my (undef, $name) = split /\0/, substr($message, 5, 200), 3;

        $pair->{wanted} = 1 if $armed->{names}{$name};
    }

    if ($armed && $pair->{wanted}) {

        if ($armed->{verb} eq 'bytes') {
            my $left = $armed->{bytes} - $pair->{sent};

            if (length $message >= $left) {
                $pair->{to_server} .= substr $message, 0, $left;
                return $self->cut($pair);
            }

            $pair->{sent} += length $message;
        }

        if ($type eq 'S') {
            return $self->cut($pair) if $armed->{verb} eq 'before_sync';

            $pair->{to_server} .= $message;
            $pair->{wanted} = 0;

            return $self->cut($pair) if $armed->{verb} eq 'in_sync';

            if ($armed->{verb} eq 'after_sync') {
                delete $self->{armed};
                $pair->{deaf} = 1;
                $pair->{heard} = '';
            }

            return 1;
        }
    }

    $pair->{to_server} .= $message;

    return 1;
}


# What is to reach the server does, then both sides are cut.
sub cut {
    my ($self, $pair) = @_;

    delete $self->{armed};
    $self->{cuts}++;

    $pair->{server}->blocking(1);
    syswrite $pair->{server}, $pair->{to_server};
    $self->close($pair);

    return 0;
}


sub flush {
    my ($self, $socket) = @_;

    return if $self->{stalled};

    my $pair = $self->{of}{$socket} or return;
    my $to = $socket == $pair->{client} ? 'to_client' : 'to_server';

    return if !length $pair->{$to};

    my $n = syswrite $socket, $pair->{$to};

    if (defined $n) {
        substr $pair->{$to}, 0, $n, '';

    } elsif (!$!{EAGAIN}) {
        $self->close($pair);
    }
}


1;
