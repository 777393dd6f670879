# The live stream with many listeners and with slow ones: bounded memory.

use strict;
use warnings;

use lib 't/lib';
use Api;
use EventStream;
use PrivateNginx;
use Test::More;
use Time::HiRes qw(time);

my $api = Api->new(guard => 300, workers => 1);


# A host on which nobody writes, with one worker.
sub listeners {
    my ($http, $who) = @_;

    my $nginx = PrivateNginx->new(database => $api->{pg}->conninfo,
                                  workers => 1, http => $http,
                                  main => 'worker_rlimit_nofile 8192;');
    $nginx->ready or die "nginx is not ready\n";

    return bless { %$who, nginx => $nginx }, 'Api';
}


sub stored {
    my ($to, %header) = @_;

    my $trace = trace(\%header);
    $to->store($trace);

    return $trace->{trace}{trace_id};
}


# CPU time of the largest worker, in clock ticks.
sub cpu {
    my ($nginx) = @_;

    my ($pid) = $nginx->workers;
    open my $file, '<', "/proc/$pid/stat" or return 0;
    my @field = split ' ', (<$file> =~ s/^.*\) //r);

    return $field[11] + $field[12];
}


# --- clients that read slowly ------------------------------------------------

my $port = PrivateNginx::free_port();
my $slow = listeners(<<END, $api);
    agentvista_stream_buffer 64k;
    agentvista_stream_heartbeat 1s;
    server {
        listen 127.0.0.1:$port http2;
        location /api/v1/ { agentvista; }
    }
END
my $all = EventStream->new($slow);
my @lazy = map { EventStream->new($slow, "agent=$_") } qw(large large none);
my $last = $all->{id};
my $kb = $slow->{nginx}->rss;

my $latest;

for (1 .. 15) {
    my @large = map { trace({ agent => 'large',
                              error_message => 'x' x 100_000 }) } 1 .. 40;
    $api->store(@large);
    $latest = $large[-1]{trace}{trace_id};
    ok($all->has($latest), "60 MB in all, part $_, for who reads");
}

my $late = EventStream->open($slow, 'agent=large', 'Last-Event-ID' => $last);
ok($all->has(stored($api)), 'all of it has been sent to others');

my $more = $slow->{nginx}->rss - $kb;
cmp_ok($more, '<', 12_000, 'those who do not read cost little memory')
    if !$ENV{ASAN_OPTIONS};
diag("slow readers: $more kB more");

my $changed = stored($api, agent => 'large', outcome => 'at last');
ok($_->has($changed), 'when they read, they come to the end')
    for $late, @lazy[0, 1];
ok($lazy[0]->times($latest) && $late->times($latest), 'and have seen the rest');
ok(!$lazy[2]->times($latest), 'each by its filter');
ok($lazy[1]->until(sub { $_[0]{count}{$latest} }), 'with all that is large');

undef @lazy;
undef $_ for $all, $late;


# --- a slow client over HTTP/2 ----------------------------------------------

# Its stream reads nothing until there is a file "go": the window is full then.
my $dir = $slow->{nginx}{dir};
my $client = fork // die "fork: $!";

if ($client == 0) {
    exec 'node', '-e', <<'END', $port, $slow->{key}, $dir;
const [port, key, dir] = process.argv.slice(1);
const fs = require('fs');
const session = require('http2').connect(`http://127.0.0.1:${port}`);
const stream = session.request({
    ':path': '/api/v1/dashboard/traces/stream?agent=h2',
    authorization: `Bearer ${key}` });
session.on('error', () => process.exit(2));
stream.on('error', () => process.exit(3));
stream.on('response', () => fs.writeFileSync(`${dir}/begun`, ''));
stream.on('end', () => process.exit(0));
const timer = setInterval(() => {
    if (fs.existsSync(`${dir}/go`)) {
        clearInterval(timer);
        stream.pipe(fs.createWriteStream(`${dir}/h2`));
    }
}, 50);
END
    exit 1;
}

sub text {
    my ($name) = @_;

    open my $file, '<', "$dir/$name" or return '';
    local $/;

    return <$file> // '';
}

ok(PrivateNginx::wait_for(60, sub { -e "$dir/begun" }), 'HTTP/2');
$all = EventStream->new($slow);

for (1 .. 5) {
    my @large = map { trace({ agent => 'h2', error_message => 'x' x 100_000 }) }
                1 .. 20;
    $api->store(@large);
    $latest = $large[-1]{trace}{trace_id};
    $all->has($latest);
}

$changed = stored($api, agent => 'h2');
$all->has($changed);
open my $go, '>', "$dir/go" or die $!;
close $go;
ok(PrivateNginx::wait_for(60, sub { index(text('h2'), $changed) >= 0 }),
   'a client that reads late comes to the end');
cmp_ok(index(text('h2'), $latest), '>=', 0, 'and has seen the rest');
undef $all;
kill TERM => $client;
waitpid $client, 0;


# --- many clients ------------------------------------------------------------

my $n = 2000;
my $there = $api->stranger;
my $crowd = listeners('agentvista_stream_heartbeat 10s;', $there);

sub sessions {
    return $api->sql('select count(*) from pg_stat_activity'
                     . ' where datname = current_database()');
}

my $idle = sessions();
$kb = $crowd->{nginx}->rss;

my @crowd = map { EventStream->open($crowd, $_ % 2 ? 'outcome=odd' : '') }
                1 .. $n;
is(scalar(grep { $_->until(sub { $_[0]{comments} }) } @crowd), $n,
   "$n streams on one worker");
cmp_ok(sessions() - $idle, '<=', 1, 'cost one connection to Postgres');
ok(PrivateNginx::wait_for(60, sub {
    $crowd->{nginx}->metric('agentvista_streams') == $n
}), '/metrics has their number');

diag(sprintf '%d streams: %.1f kB each', $n,
             ($crowd->{nginx}->rss - $kb) / $n);

# One trace for half of them, and one for all.
sub round {
    my ($by) = @_;

    my $even = stored($by, outcome => 'even');
    my $odd = stored($by, outcome => 'odd');

    return (grep { $_->has($odd) } @crowd)
           + (grep { $_->times($even) } @crowd);
}

is(round($there), $n * 1.5, 'all who want a trace have it');

$kb = $crowd->{nginx}->rss;
my $ticks = cpu($crowd->{nginx});
my $rounds = 8;
is(scalar(grep { round($there) == $n * 1.5 } 1 .. $rounds), $rounds,
   'and more of them');
$ticks = cpu($crowd->{nginx}) - $ticks;
$more = $crowd->{nginx}->rss - $kb;
cmp_ok($more, '<', 2048, "memory is steady: $kb kB and $more kB more")
    if !$ENV{ASAN_OPTIONS};
diag(sprintf 'an event costs %.1f us of CPU for each stream',
             $ticks * 10_000 / ($rounds * 1.5 * $n));

my @missed = map { $_->{id} } @crowd;
my $begun = time;
$crowd->{nginx}->reload;
ok($crowd->{nginx}->wait_workers(60), 'a reload ends them all');
diag(sprintf 'the old worker is gone after %.1f s', time - $begun);

my $away = stored($there, outcome => 'odd');
@crowd = map { EventStream->open($crowd, $_ % 2 ? 'outcome=odd' : '',
                                 'Last-Event-ID' => $missed[$_ - 1]) } 1 .. $n;
is(scalar(grep { $_->has($away) } @crowd), $n, 'they all resume');
diag(sprintf '%.1f s later', time - $begun);

undef @crowd;
ok(PrivateNginx::wait_for(60, sub {
    $crowd->{nginx}->metric('agentvista_streams') == 0
}), 'they all go');

for my $host ($api, $slow, $crowd) {
    is(join('', $host->{nginx}->logged('alert', 'emerg', 'crit', 'error')), '',
       'without a word in the log');
}

done_testing();
