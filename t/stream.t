# GET /dashboard/traces/stream: what a live stream of traces shows to whom.

use strict;
use warnings;

use lib 't/lib';
use Api;
use EventStream;
use JSON::PP;
use PrivateNginx;
use Test::More;
use Time::HiRes qw(time);

my $port = PrivateNginx::free_port();
my $api = Api->new(guard => 300, workers => 2, http => <<END);
    agentvista_stream_heartbeat 500ms;
    gzip on; gzip_min_length 1; gzip_types *; gzip_http_version 1.0;
    server {
        listen 127.0.0.1:$port http2;
        location /api/v1/ { agentvista; }
    }
END
my $path = '/dashboard/traces/stream';


sub stored {
    my ($to, %header) = @_;

    my $model = delete $header{model} // 'gpt-4o';
    my $trace = trace(\%header, span(type => 'llm', model => $model));
    $to->store($trace);

    return $trace->{trace}{trace_id};
}


# The header, and one new trace.
my $first = EventStream->new($api);

like($first->{head}, qr{^HTTP/1.1 200}, 'a stream begins');
like($first->{head}, qr{Content-Type: text/event-stream\r?$}m,
     'with its type');
like($first->{head}, qr/^Cache-Control: no-store, no-transform\r$/m,
     'nobody on the way stores or changes it');
like($first->{head}, qr/^X-Accel-Buffering: no\r$/m, 'nor holds it back');
unlike($first->{head}, qr/Content-Encoding/, 'and it is not compressed');
like($first->{retry}, qr/^\d+$/, 'it says when to come back');

my $id = stored($api, agent => 'alpha', outcome => 'fine');
ok($first->has($id), 'a trace right after the beginning is sent');

my ($shown) = grep { $_->{trace_id} eq $id } $first->traces;
my ($listed) = grep { $_->{trace_id} eq $id }
                    @{ $api->get('/dashboard/traces')->{json}{traces} };

is_deeply($shown, $listed, 'as the list has it');
like($first->{events}[-1][1], qr/^[0-9a-f]{32}$/, 'with an id');

my $beats = $first->{comments};
ok($first->until(sub { $_[0]{comments} > $beats + 1 }), 'heartbeats come');
like($first->{id}, qr/^[0-9a-f]{32}$/, 'with an id, too');


# Live: both workers, several streams, changes.
my @streams = map { EventStream->new($api) } 1 .. 12;

$id = stored($api);
is(scalar(grep { $_->has($id) } @streams), 12,
   'all of a dozen streams on two workers have it');

my @soon = sort { $a <=> $b } map {
    my $begun = time;
    $streams[3]->has(stored($api));
    time - $begun
} 1 .. 5;
cmp_ok($soon[0], '<', 1, 'soon');

$api->send(PATCH => "/dashboard/traces/$id/outcome",
           { success => JSON::PP::true, outcome => 'late word' });
ok($streams[5]->shows($id, outcome => 'late word'),
   'a changed outcome is sent');

my $open = trace({ status => 'running', ended_at => undef });
$api->store($open);
$open->{trace}{status} = 'completed';
$open->{trace}{ended_at} = iso();
$api->store($open);
ok($streams[2]->shows($open->{trace}{trace_id}, status => 'completed'),
   'a trace that comes to its end is sent');

undef @streams;


# Filters, as of the list. What does not pass came before what does.
my $wanted = 'beta-' . uuid();
my %hit = (agent => $wanted, status => 'failed', success => JSON::PP::false,
           outcome => 'refused', error_message => 'Rate limit, again',
           metadata => { region => 'eu' }, total_cost_usd => '0.5',
           total_tokens => 77, duration_ms => 1500);
my @passes = (
    "agent=$wanted", 'status=failed', 'success=false', 'outcome=refused',
    'error=rate+LIMIT', 'q=again', "q=$wanted",
    'metadata=%7B%22region%22%3A%22eu%22%7D', 'min_cost=0.5&max_cost=0.5',
    'min_tokens=77&max_tokens=77', 'min_duration_ms=1500&max_duration_ms=1500',
    'model=gpt-4o', 'start=' . iso(-60),
    "agent=$wanted&status=failed&model=gpt-4o");
my %others = (
    'agent=other' => { agent => 'other' },
    'status=running' => { status => 'running', ended_at => undef },
    'success=null' => {},
    'outcome=refuse' => { outcome => 'refuse' },
    'error=quota' => { error_message => 'Quota' },
    'q=nothing' => { agent => 'nothing' },
    "agent_id=$shown->{agent_id}" => { agent => 'alpha' },
    'metadata=%7B%22region%22%3A%22us%22%7D'
        => { metadata => { region => 'us' } },
    'min_cost=0.6' => { total_cost_usd => '0.7' },
    'max_tokens=76' => { total_tokens => 5 },
    'min_duration_ms=1501' => { duration_ms => 2000 },
    'model=gpt-4' => { model => 'gpt-4' },
    'end=' . iso(-60) => { started_at => iso(-120), ended_at => iso(-120) },
    "agent=$wanted&status=completed" => { agent => $wanted });
my %hits = map { $_ => EventStream->new($api, $_) } @passes;
my %none = map { $_ => EventStream->new($api, $_) } keys %others,
               'session_id=this', 'user_id=that';

$id = stored($api, %hit);
ok($hits{$_}->has($id), "passes: $_") for @passes;

my %other = map { $_ => stored($api, %{ $others{$_} }) } keys %others;

# which only OTLP has
for (['session_id', 'this'], ['user_id', 'that']) {
    my ($name, $value) = @$_;
    $other{"$name=$value"} = my $trace = stored($api);
    $api->sql("update agentvista.traces set $name = '$value'"
              . " where trace_id = '$trace';"
              . " select agentvista.notify_traces(array['$api->{account}'"
              . "::uuid], array['$trace'::uuid])");
}

for my $query (sort keys %none) {
    ok($none{$query}->has($other{$query}) && !$none{$query}->times($id),
       "does not pass: $query");
}

undef %hits;
undef %none;

$api->refuses($path, 'status=odd', 'status');
$api->refuses($path, 'min_cost=x', 'min_cost');
is($api->send(GET => $path, undef, 'Last-Event-ID' => $_)->{status}, 400,
   "an id that is none is refused: $_") for 'x', 'x' x 32, '0' x 33;

my $head = $api->send(HEAD => $path);
is("$head->{status} $head->{header}{'content-type'} [$head->{body}]",
   '200 text/event-stream []', 'HEAD');
is($api->send(POST => $path, {})->{status}, 405, 'POST is not allowed');
is($api->send(GET => $path, undef, Authorization => 'Bearer x')->{status}, 401,
   'nor is anybody');


# Filters of one account have a limit, in each worker.
my @many = map { EventStream->new($api, "agent=many-$_") } 1 .. 129;
ok((grep { $_->{head} =~ /^HTTP\S+ 503 .*^Retry-After: \d/ms } @many),
   'too many different filters are refused');
undef @many;


# Accounts are apart.
my $stranger = $api->stranger;
my $theirs = EventStream->new($stranger);
my $id_theirs = stored($stranger);
$id = stored($api);

ok($theirs->has($id_theirs), 'another account has its own trace');
ok($first->has($id), 'and this one its own');
$theirs->has(stored($stranger));
$first->has(stored($api));
ok(!$theirs->times($id) && !$first->times($id_theirs),
   'and nobody the other\'s');
undef $theirs;


# Last-Event-ID, which accounts share. Of one that nobody has ever watched no
# notification is under way, so all comes once.
my $last = $first->{id};
my $quiet = $api->stranger;
my @missed = map { stored($quiet, agent => $_) } qw(one two two);

my $again = EventStream->new($quiet, '', 'Last-Event-ID' => $last);
is(scalar(grep { $again->has($_) } @missed), 3, 'what was missed is sent');
isnt($again->caught_up($last), $last, 'and the stream is up to date');
is(join(' ', map { $again->times($_) } @missed), '1 1 1', 'all of it once');

my $quieter = $api->stranger;
my @before = map { stored($quieter) } 1 .. 3;
my $now = EventStream->new($quiet, '', 'Last-Event-ID' => $last)
                     ->caught_up($last);
my $after = stored($quieter);
$quieter->send(PATCH => "/dashboard/traces/$before[0]/outcome",
               { success => JSON::PP::true, outcome => 'while away' });

$again = EventStream->new($quieter, '', 'Last-Event-ID' => $now);
ok($again->has($after), 'what was missed since then is sent');
ok($again->shows($before[0], outcome => 'while away'), 'and what has changed');
is(join(' ', map { $again->times($_) } @before, $after), '1 0 0 1',
   'and nothing that was not missed');
ok($again->has(stored($quieter)), 'and then what is new');

# The first id of a stream will do: no event need have come.
$again = EventStream->new($quieter);
$now = $again->{id};
undef $again;
$id = stored($quieter);
$again = EventStream->new($quieter, '', 'Last-Event-ID' => $now);
ok($again->has($id), 'who has seen no event yet misses nothing either');

my $some = EventStream->new($quiet, 'agent=two', 'Last-Event-ID' => $last);
is(scalar(grep { $some->has($_) } @missed[1, 2]), 2, 'through the filter');
ok(!$some->times($missed[0]), 'and nothing else');

for my $odd ('0' x 32, 'f' x 32, '7' . 'f' x 31,
             substr($last, 0, 16) . '0' x 16, uc $last)
{
    my $stream = EventStream->new($quiet, '', 'Last-Event-ID' => $odd);
    ok($stream->has(stored($quiet)), "an odd id does no harm: $odd");
}


# More than one page.
$quiet = $api->stranger;
my @burst = map { trace({ agent => 'burst' }) } 1 .. 900;
$quiet->store(@burst);
$again = EventStream->new($quiet, 'agent=burst', 'Last-Event-ID' => $last);
is(scalar(grep { $again->has($_->{trace}{trace_id}) } @burst), 900,
   'many that were missed are sent');
is(scalar(grep { $_ > 1 } values %{ $again->{count} }), 0, 'once');

$quiet = $api->stranger;
$quiet->store(map { trace({ agent => 'burst' }) } 1 .. 1100);
$again = EventStream->new($quiet, 'agent=burst', 'Last-Event-ID' => $last);
ok($again->until(sub { grep { $_->[0] eq 'gap' } @{ $_[0]{events} } }),
   'if there are too many, a gap is told of');
ok($again->has(stored($quiet, agent => 'burst')), 'and it goes on');
is(scalar(keys %{ $again->{count} }), 1001, 'after the latest 1,000');
undef $again;


# HTTP/2: several streams of one connection.
my $dir = $api->{nginx}{dir};
my $client = fork // die "fork: $!";

if ($client == 0) {
    exec 'node', '-e', <<'END', $port, $path, $api->{key}, $dir;
const [port, path, key, dir] = process.argv.slice(1);
const session = require('http2').connect(`http://127.0.0.1:${port}`);
let left = 4;
session.on('error', () => process.exit(2));
for (const n of [1, 2, 3, 4]) {
    const query = n === 2 ? 'agent=none' : `agent=h2&q=${n}`;
    const stream = session.request({
        ':path': `/api/v1${path}?${query}`, authorization: `Bearer ${key}` });
    stream.on('error', e => { console.log(`# ${e}`); process.exit(3); });
    stream.on('end', () => --left || process.exit(0));
    stream.pipe(require('fs').createWriteStream(`${dir}/h2-${n}`));
}
END
    exit 1;
}

sub h2 {
    my ($n) = @_;

    open my $file, '<', "$dir/h2-$n" or return '';
    local $/;

    return <$file> // '';
}

ok(PrivateNginx::wait_for(60, sub { 4 == grep { h2($_) =~ /: conn/ } 1 .. 4 }),
   'four streams over HTTP/2');
$id = stored($api, agent => 'h2', error_message => '1 3 4');
ok(PrivateNginx::wait_for(60, sub {
    3 == grep { index(h2($_), $id) >= 0 } 1, 3, 4
}), 'have what they want');
unlike(h2(2), qr/event: trace/, 'and nothing else');


# Keys.
my $other = $api->stranger;
my $revoked = EventStream->new($other);
$api->sql("update agentvista.api_keys set revoked_at = now()"
          . " where account_id = '$other->{account}'");
ok($revoked->until(sub { $_[0]{ended} }), 'a revoked key ends its stream');
is($other->get($path)->{status}, 401, 'for good');

$other = $api->stranger;
$api->sql("update agentvista.api_keys set expires_at = now() + interval '2 s'"
          . " where account_id = '$other->{account}'");
my $expired = EventStream->new($other);
ok($expired->until(sub { $_[0]{ended} }), 'so does one that expires');

$other = $api->stranger;
my $writer = EventStream->new($other);
$api->sql("update agentvista.api_keys set scopes = '{write}'"
          . " where account_id = '$other->{account}'");
ok($writer->until(sub { $_[0]{ended} }), 'and one that may not read any more');


# Quit.
ok($api->{nginx}->quit(60), 'nginx quits');
waitpid $client, 0;
is($?, 0, 'streams over HTTP/2 end in order');
ok($first->closes && $first->{ended}, 'so do others');

is(join('', $api->{nginx}->logged('alert', 'emerg', 'crit', 'error')), '',
   'the log has nothing to say');

done_testing();
