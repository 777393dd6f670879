# The live stream when something goes away, or comes: other hosts, their
# notifications, Postgres, workers.

use strict;
use warnings;

use lib 't/lib';
use Api;
use EventStream;
use IO::Handle;
use IPC::Open2;
use PrivateNginx;
use Test::More;
use Time::HiRes qw(sleep time);

my $api = Api->new(guard => 300, workers => 2, timeout => '30s', http => <<END);
    agentvista_stream_heartbeat 500ms;
END


sub stored {
    my ($to, %header) = @_;

    my $trace = trace(\%header);

    # a 503 says: send it again
    PrivateNginx::wait_for(60, sub { eval { $to->store($trace); 1 } })
        or die $@;

    return $trace->{trace}{trace_id};
}


# The same account on an nginx of its own.
sub host {
    my $nginx = PrivateNginx->new(database => $api->{pg}->conninfo,
                                  workers => 1);
    $nginx->ready or die "nginx is not ready\n";

    return bless { %$api, nginx => $nginx }, 'Api';
}


# Other hosts: one that has been there, and one that comes later and has to ask
# what is watched. What it has stored by then is looked up when it asks, so a
# trace from later has to be told of.
my $stream = EventStream->new($api);
my $there = host();
ok($stream->has(stored($there)), 'a trace that came by another host is sent');
sleep 2;
ok($stream->has(stored($there)), 'and later as well');

my $far = EventStream->new($there);
ok($far->has(stored($api)), 'and in the other direction');
undef $far;


# Nor is anybody told of what nobody watches. A worker tells in order; that an
# account looks watched because another is, is rare.
my $pid = open2(my $out, my $in, 'psql', '-XqAt', '-d', $api->{pg}->conninfo);
my $heard = '';

sub hear {
    my ($command) = @_;

    print $in "$command; select 'done';\n";
    while ((my $line = <$out>) ne "done\n") { $heard .= $line }
}

$in->autoflush(1);
hear('listen agentvista_traces');
my @strangers = map { bless { %{ $api->stranger }, nginx => $there->{nginx} },
                      'Api' } 1 .. 3;
stored($_) for @strangers;
my $hex = stored($there) =~ s/-//gr;

ok(PrivateNginx::wait_for(60, sub { hear('select 1'); $heard =~ /$hex/ }),
   'a flush tells of what is watched');
ok((grep { $heard !~ /$_->{account}/ } @strangers), 'and of nothing else');
close $in;
waitpid $pid, 0;


# A writer that stores, but cannot tell.
$api->sql("create or replace function agentvista.notify_traces(accounts uuid[],"
          . " traces uuid[]) returns void language plpgsql as"
          . " \$\$ begin raise exception 'not now'; end \$\$");
my $untold = stored($api);
ok(PrivateNginx::wait_for(60, sub { $api->{nginx}->log =~ /not now/ }),
   'a notification fails');
$api->{pg}->migrate;
ok($stream->has($untold), 'it is made up for, though nothing else is stored');


# Notifications that do not come.
$api->sql('select pg_terminate_backend(pid) from pg_stat_activity'
          . ' where datname = current_database() and pid <> pg_backend_pid()');
my @unheard = map { stored($api) } 1 .. 3;
is(scalar(grep { $stream->has($_) } @unheard), 3,
   'what no notification told of is found');


# Postgres goes away and comes back.
my $other = $api->stranger;
$api->{pg}->stop;
PrivateNginx::wait_for(60, sub {
    $api->{nginx}->get('/readyz')->{status} != 200
});
my $refused = EventStream->new($other);
is($refused->status, 503, 'without a database, no stream begins');
$api->{pg}->start;
$api->{nginx}->ready(60);
my $id = stored($api);
ok($stream->has($id), 'a stream outlives a restart of the database');


# Workers: a crash, and streams that others have.
$api->{nginx}->kill_worker;
PrivateNginx::wait_for(60, sub { $api->{nginx}->workers == 2 });
$stream->read(0.2);
$stream = EventStream->new($api, '', 'Last-Event-ID' => $stream->{id})
    if $stream->{closed};
ok($stream->has(stored($api)), 'a killed worker does no harm');


# Reload. A client that reads nothing does not keep its worker.
my @open = map { EventStream->new($api) } 1 .. 6;
my $stuck = EventStream->new($api);
$api->store(map { trace({ error_message => 'x' x 100_000 }) } 1 .. 100);
ok($open[0]->has(stored($api)), 'much is sent');

# there are heartbeats only when all has been read
my $beats = $open[0]{comments};
$open[0]->until(sub { $_[0]{comments} > $beats + 1 });

my $begun = time;
my $last = $open[0]{id};
ok($api->{nginx}->reload, 'nginx is reloaded');
ok($api->{nginx}->wait_workers(60), 'no old worker stays');
diag(sprintf 'old workers are gone after %.1f s', time - $begun);
is(scalar(grep { $_->closes } @open), 6, 'its streams end');
ok((grep { $_->{ended} } @open), 'in order, if their clients have read all');

$api->{nginx}->ready;
$id = stored($api);
my $again = EventStream->new($api, '', 'Last-Event-ID' => $last);
ok($again->has($id), 'clients resume');

is(join('', grep { !/exited on signal 9/ }
                 $api->{nginx}->logged('alert', 'emerg', 'crit')),
   '', 'the log has nothing else to say');

done_testing();
