# A Postgres server of a suite's own, to be stopped, killed and slowed down:
#
#     my $pg = PrivatePostgres->new;        # started, with the schema
#     $pg->conninfo                         # for agentvista_database
#     $pg->sql("select 1")
#     $pg->stop; $pg->kill; $pg->start('fsync=off');
#     $pg->hold('agentvista.traces', 2);    # others wait 2 seconds for it
#     $pg->freeze(2);                       # it is silent for 2 seconds
#
# It goes away with the suite.

package PrivatePostgres;

use strict;
use warnings;

use IO::Handle;
use IPC::Open2;


sub new {
    my $class = shift;

    my $self = bless { pid => $$, dir => "$ENV{AGENTVISTA_TEST_DIR}/pg-$$" },
                     $class;

    $self->start(@_);

    chomp($self->{conninfo} = `./scripts/pg conninfo $self->{dir}`);
    $self->migrate;

    return $self;
}


sub migrate {
    my $self = shift;

    run("./scripts/migrate '$self->{conninfo}'");
}


sub start {
    my ($self, @settings) = @_;

    waitpid delete $self->{killer}, 0 if $self->{killer};

    run("./scripts/pg start $self->{dir} @settings");
}


sub stop {
    my $self = shift;

    run("./scripts/pg stop $self->{dir}");
}


# As by a power failure; so many seconds from now, if given.
sub kill {
    my ($self, $after) = @_;

    my $kill = "./scripts/pg kill $self->{dir} > /dev/null";

    if (!defined $after) {
        run($kill);
        return;
    }

    $self->{killer} = fork // die "fork: $!";
    return if $self->{killer};

    exec "sleep $after; $kill";
}


# The server does not answer for so many seconds.
sub freeze {
    my ($self, $seconds) = @_;

    open my $file, '<', "$self->{dir}/data/postmaster.pid"
        or die "postmaster.pid: $!";
    chomp(my $pid = <$file>);

    # The postmaster first: no more children once it has stopped.
    run("kill -STOP $pid; until grep -q '^State:.T' /proc/$pid/status;"
        . " do sleep 0.01; done");
    my $pids = `cat /proc/$pid/task/$pid/children`;

    run("kill -STOP $pids; (sleep $seconds; kill -CONT $pid $pids) &");
}


sub conninfo {
    return $_[0]{conninfo};
}


sub sql {
    my ($self, $text) = @_;

    open my $psql, '-|', 'psql', '-XqAt', '-F', "\t", '-v', 'ON_ERROR_STOP=1',
         '-d', $self->{conninfo}, '-c', $text
        or die "psql: $!";

    local $/;
    my $out = <$psql> // '';
    close $psql or die "psql failed on: $text\n";

    $out =~ s{\n\z}{};
    return $out;
}


# Returns when the table is locked.
sub hold {
    my ($self, $table, $seconds) = @_;

    my $pid = open2(my $out, my $in,
                    "exec psql -XqAt -d '$self->{conninfo}' 2>&1");

    $in->autoflush(1);
    print $in "begin; lock table $table; select 'locked';\n";
    my $answer = <$out> // '';
    $answer eq "locked\n" or die "cannot lock $table: $answer";
    print $in "select pg_sleep($seconds); commit;\n";
    close $in;

    # psql goes on without us
    push @{ $self->{holders} }, $out;
}


sub run {
    my ($command) = @_;

    system("$command > /dev/null") == 0 or die "$command failed";
}


sub DESTROY {
    my $self = shift;

    # Not in what Test::Nginx forks.
    return if $$ != $self->{pid};

    local ($?, $@);
    waitpid $self->{killer}, 0 if $self->{killer};
    system("./scripts/pg stop $self->{dir} > /dev/null 2>&1");
    system("rm -rf $self->{dir}");
}


1;
