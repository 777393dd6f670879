# GET /dashboard/traces/{trace_id}: agentvista.md 5.2, and what becomes of a
# read whose client or whose database goes away.

use strict;
use warnings;

use lib 't/lib';
use AgentVista;
use PrivatePostgres;
use IO::Socket::INET;
use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP;
use POSIX qw(strftime);
use Test::Nginx::Socket 'no_plan';

repeat_each(2);
no_root_location();
log_level('info');

our $Account = account();
our $Key = bearer(key($Account));
our $Other = bearer(key(account()));

our $Post = "POST /api/v1/traces/batch\n";
our $Get = "GET /api/v1/dashboard/traces/";
our $Accepted = '{"accepted":1,"rejected":0,"errors":[]}';
our $NotFound = '{"detail":"Not found."}';

our $Json = JSON::PP->new->utf8->canonical->allow_nonref;


# A JSON text in one order of its keys; ids of agents become a word.
sub canon {
    my $value = eval { $Json->decode($_[0]) };

    return "not JSON: $@" if $@;

    $value->{agent_id} =~ s/^[0-9a-f-]{36}$/its agent/
        if ref $value eq 'HASH' && $value->{agent_id};

    return $Json->encode($value);
}


sub expected {
    return $Json->encode($_[0]);
}


# The names of a trace's spans as they come.
sub names {
    my $value = eval { $Json->decode($_[0]) };

    return $@ ? "not JSON: $@" : join ' ', map { $_->{name} } @{$value->{spans}};
}


# A filter that shows a member of the answer, however deep: member(qw(a b)).
sub member {
    my @path = @_;

    return sub {
        my $value = $Json->decode($_[0]);

        $value = ref $value eq 'ARRAY' ? $value->[$_] : $value->{$_} for @path;

        return $Json->encode($value);
    };
}


sub same { return $_[0] }


# A filter that waits until the look at partitions after the start is over.
sub settled {
    sleep 1;

    for (1 .. 100) {
        last if $main::Pg->sql(
            "select count(*) from pg_stat_activity where state <> 'idle'"
            . " and pid <> pg_backend_pid()") == 0;
        select undef, undef, undef, 0.1;
    }

    return $_[0];
}


# A filter that, once the answer is there, makes the next queries wait.
sub then_hold {
    my ($seconds) = @_;

    return sub {
        $main::Pg->hold('agentvista.traces', $seconds);
        return $_[0];
    };
}


# A filter that waits until that is over.
sub then_released {
    $main::Pg->sql('begin; lock table agentvista.traces; commit');
    return $_[0];
}


# A filter that checks the error log, too.
sub logged {
    my ($pattern) = @_;

    return sub {
        open my $log, '<', "$ENV{TEST_NGINX_SERVROOT}/logs/error.log"
            or die "error.log: $!";

        return (grep { /$pattern/ } <$log>) ? $_[0] : "not logged: $pattern";
    };
}


# Starts the database, and waits until nginx has noticed.
sub restart {
    $main::Pg->start;

    for (1 .. 150) {
        my $nginx = IO::Socket::INET->new(
            PeerAddr => "127.0.0.1:$ENV{TEST_NGINX_PORT}");

        if ($nginx) {
            print $nginx "GET /readyz HTTP/1.0\r\n\r\n";
            return if <$nginx> =~ / 200 /;
        }

        select undef, undef, undef, 0.1;
    }
}


# A fixed instant of today or yesterday, and some seconds later.
our $Now = time - 3600;

sub at {
    my ($seconds, $fraction) = @_;

    return strftime('%Y-%m-%dT%H:%M:%S', gmtime($Now + $seconds))
           . ($fraction // '') . 'Z';
}


our $Id = uuid();
our @SpanId = map { uuid() } 1 .. 2;
our %Full = (
    trace_id => $Id, agent => 'Planer "ü" \\ 😀', status => 'failed',
    started_at => at(0), ended_at => at(2, '.250'), duration_ms => 2250,
    success => JSON::PP::false, outcome => "no\tluck", total_tokens => 1500,
    total_cost_usd => '0.004500', error_message => "line 1\nline 2",
    metadata => { user => { id => 7, tags => ['a', undef, 1.5] }, '' => '' },
);
our %Span = (
    span_id => $SpanId[1], trace_id => $Id, parent_span_id => $SpanId[0],
    type => 'llm', name => 'ask "ü" 😀', status => 'timed_out',
    started_at => at(1, '.123456'), ended_at => at(1, '.500'),
    duration_ms => 376, model => 'gpt-4o', input_tokens => 900,
    output_tokens => 20, total_tokens => 920, cost_usd => '0.003200',
    error_message => 'slow', input => [{ role => 'user', content => 'hi' }],
    output => 'text', metadata => { temperature => 0.5 },
);
our $FullBatch = $Json->encode({ traces => [{ trace => \%Full, spans => [
    \%Span, { span_id => $SpanId[0], name => 'root', started_at => at(0) } ] }] });

# What only spans by OTLP have.
our %NoTelemetry = map { $_ => undef } qw(service_name kind scope_id session_id
    user_id details events links);

our %FullDetail = (
    %Full, agent_id => 'its agent', agent_name => $Full{agent}, name => undef,
    session_id => undef, user_id => undef, scopes => [],
    total_cost_usd => 0.0045, truncated => undef, spans => [
        { span_id => $SpanId[0], trace_id => $Id, parent_span_id => undef,
          type => 'custom', name => 'root', status => 'completed',
          started_at => at(0), ended_at => undef, duration_ms => undef,
          %NoTelemetry, model => undef, input_tokens => undef,
          output_tokens => undef, total_tokens => undef, cost_usd => undef,
          error_message => undef, input => undef, output => undef,
          metadata => undef, truncated => undef },
        { %Span, %NoTelemetry, cost_usd => 0.0032, truncated => undef },
    ],
);
delete $FullDetail{agent};

our $BareId = uuid();
our $BareBatch = $Json->encode({ traces => [{ trace => {
    trace_id => $BareId, agent => 'a', started_at => at(0) } }] });
our $SharedId = uuid();
our $SharedBatch = $BareBatch =~ s/$BareId/$SharedId/r;
our %BareDetail = (
    trace_id => $BareId, agent_id => 'its agent', agent_name => 'a',
    status => 'completed', started_at => at(0), truncated => undef,
    spans => [], scopes => [], map { $_ => undef } qw(ended_at duration_ms
    success outcome error_message total_tokens total_cost_usd metadata name
    session_id user_id),
);

# Spans that start together come in the order of their arrival.
our $OrderId = uuid();
our @OrderBatches = map {
    my @spans = @$_;
    batch(trace({ trace_id => $OrderId, agent => 'a', started_at => at(0) },
                map { span(name => $_->[0], started_at => at($_->[1])) }
                    @spans))
} [['e', 9], ['b', 5], ['c', 5], ['a', 1]], [['d', 5], ['0', 0], ['f', 9]];

our $LargeId = uuid();
our @LargeBatches = map {
    my $n = $_;
    batch(trace({ trace_id => $LargeId, agent => 'a', started_at => at(0) },
                map { span(name => sprintf('%04d', 100 * $n + $_),
                           started_at => at(1, sprintf '.%03d', 99 - $_),
                           output => 'x' x 200) } 0 .. 99))
} 0 .. 10;
our $LargeNames = join ' ', map {
    my $digits = 99 - $_;
    map { sprintf '%04d', 100 * $_ + $digits } 0 .. 10
} 0 .. 99;

our $MoneyId = uuid();
our $MoneyBatch = batch(trace({ trace_id => $MoneyId, agent => 'a' },
    map { span(type => $_->[0], cost_usd => $_->[1], total_tokens => 10) }
        ['llm', '0.1'], ['llm', '0.2'], ['llm', '0.000001'], ['tool', '5']));

our $Pg = PrivatePostgres->new;

sub private {
    my ($block_config) = @_;

    return 'agentvista_database "' . $Pg->conninfo . "\";\nagentvista_zone 1m;\n"
           . ($block_config // '');
}

our $PrivateAccount = $Pg->sql(
    "insert into agentvista.accounts (name) values ('a') returning id");
our $PrivateKey = 'av_' . '0123456789abcdef' x 4;
$Pg->sql("insert into agentvista.api_keys (account_id, key_hash, prefix,"
    . " scopes) values ('$PrivateAccount', sha256('$PrivateKey'),"
    . " 'av_01234567', '{read,write}')");
our $PrivateId = '00000000-0000-4000-8000-000000000001';
$Pg->sql("insert into agentvista.agents (account_id, id, name) values"
    . " ('$PrivateAccount', '$PrivateAccount', 'tester')");
$Pg->sql("insert into agentvista.traces (account_id, trace_id, home_day,"
    . " agent_id, status, started_at, span_count) values ('$PrivateAccount',"
    . " '$PrivateId', current_date, '$PrivateAccount', 1, now(), 0)");

our $PrivateHeader = bearer($PrivateKey);
our $PrivateGet = $Get . $PrivateId;

run_tests();

__DATA__

=== TEST 1: every field comes back as it was sent, costs as numbers
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
[$::Post . $::FullBatch, $::Get . $::Id]
--- response_body_filters eval
[[\&main::same], [\&main::canon]]
--- response_body eval
[$::Accepted, main::expected(\%::FullDetail)]
--- response_headers eval
["Content-Type: application/json",
 "Content-Type: application/json\nCache-Control: no-store"]



=== TEST 2: what was not sent is there as null
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
[$::Post . $::BareBatch, $::Get . $::BareId . "/"]
--- response_body_filters eval
[[\&main::same], [\&main::canon]]
--- response_body eval
[$::Accepted, main::expected(\%::BareDetail)]



=== TEST 3: spans come by start, then in the order of their arrival
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
[(map { $::Post . $_ } @::OrderBatches), $::Get . $::OrderId]
--- response_body_filters eval
[[\&main::same], [\&main::same], [\&main::names]]
--- response_body eval
[$::Accepted, $::Accepted, "0 a b c d e f"]



=== TEST 4: an id is taken in upper case and without hyphens
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
[$::Post . $::BareBatch, $::Get . uc($::BareId), $::Get . $::BareId =~ s/-//gr,
 $::Get . uc($::BareId) =~ s/-//gr . "/"]
--- response_body_filters eval
[[\&main::same], map { [\&main::canon] } 1 .. 3]
--- response_body eval
[$::Accepted, map { main::expected(\%::BareDetail) } 1 .. 3]



=== TEST 5: a malformed id is not found
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
[map { $::Get . $_ } "x", substr($::BareId, 1), $::BareId . "0", "g" x 32,
 "-" x 36, "%ff" x 32, "null", "{$::BareId}", "0" x 5000]
--- response_body eval
[map { $::NotFound } 1 .. 9]
--- error_code eval
[map { 404 } 1 .. 9]



=== TEST 6: an unknown trace and another account's look alike
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval
[$::Key, $::Key, $::Other, $::Key]
--- request eval
[$::Post . $::BareBatch, $::Get . AgentVista::uuid(), $::Get . $::BareId,
 $::Get . $::BareId]
--- response_body_filters eval
[[\&main::same], [\&main::same], [\&main::same], [\&main::canon]]
--- response_body eval
[$::Accepted, $::NotFound, $::NotFound, main::expected(\%::BareDetail)]
--- error_code eval
[200, 404, 404, 200]



=== TEST 7: the same trace id under two accounts is two traces
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval
[$::Key, $::Other, $::Key, $::Other]
--- request eval
[$::Post . $::SharedBatch, $::Post . $::SharedBatch =~ s/"agent":"a"/"agent":"b"/r,
 $::Get . $::SharedId, $::Get . $::SharedId]
--- response_body_filters eval
[[\&main::same], [\&main::same], [main::member('agent_name')],
 [main::member('agent_name')]]
--- response_body eval
[$::Accepted, $::Accepted, '"a"', '"b"']



=== TEST 8: a trace of 1,100 spans, far over 64 kB, is one waterfall
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
[(map { $::Post . $_ } @::LargeBatches), $::Get . $::LargeId,
 "HEAD " . substr($::Get, 4) . $::LargeId]
--- response_body_filters eval
[(map { [\&main::same] } @::LargeBatches), [\&main::names], [\&main::same]]
--- response_body eval
[(map { $::Accepted } @::LargeBatches), $::LargeNames, ""]
--- response_headers_like eval
[(map { "" } @::LargeBatches), "Content-Length: \\d{6}",
 "Content-Length: \\d{6}"]



=== TEST 9: nginx's gzip filter works on it
--- config
    gzip on;
    gzip_types application/json;
    gzip_vary on;
    location /api/v1/ { agentvista; }
--- more_headers eval
[(map { $::Key } @::LargeBatches), "$::Key\nAccept-Encoding: gzip"]
--- request eval
[(map { $::Post . $_ } @::LargeBatches), $::Get . $::LargeId]
--- response_headers eval
[(map { "!Content-Encoding" } @::LargeBatches),
 "Content-Encoding: gzip\nVary: Accept-Encoding"]
--- response_body_filters eval
[(map { [\&main::same] } @::LargeBatches),
 [sub { IO::Uncompress::Gunzip::gunzip(\$_[0], \my $out); $out },
  \&main::names]]
--- response_body eval
[(map { $::Accepted } @::LargeBatches), $::LargeNames]



=== TEST 10: totals that the header lacks are the exact sums over the LLM spans
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
[$::Post . $::MoneyBatch, $::Get . $::MoneyId]
--- response_body_like eval
[qr/"accepted":1/, qr/"total_tokens" : 30, "total_cost_usd" : 0\.300001,/]



=== TEST 11: money keeps every decimal that it was sent with
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
[$::Post . $::FullBatch, $::Get . $::Id]
--- response_body_like eval
[qr/"accepted":1/, qr/"total_cost_usd" : 0\.004500,.*"cost_usd":0\.003200,/s]



=== TEST 12: a client that leaves while it waits is only not answered
--- http_config eval: main::private("agentvista_readers 1;")
--- config
    location /api/v1/ { agentvista; }
    location = /metrics { agentvista_status metrics; }
--- more_headers eval: $::PrivateHeader
--- request eval
[$::PrivateGet, $::PrivateGet, $::PrivateGet, "GET /metrics"]
--- abort
--- timeout: 2.2
--- response_body_filters eval
[[main::then_hold(3)], [\&main::same], [\&main::then_released],
 [\&main::same]]
--- response_body_like eval
[qr/"trace_id"/, qr/^$/, qr/"trace_id"/,
 qr/route="GET \/dashboard\/traces\/\{trace_id\}",status="499"\} [12]\n/]
--- error_code eval
[200, "", 200, 200]



=== TEST 13: a query that takes too long is cancelled, and 503 says why
--- http_config eval: main::private("agentvista_statement_timeout 300ms;")
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::PrivateHeader
--- request eval: [$::PrivateGet, $::PrivateGet]
--- response_body_filters eval
[[main::then_hold(1)],
 [main::logged(qr/query "trace_detail" was not answered: The query took too long and was cancelled\. Request id [0-9a-f]{32}/),
  \&main::then_released]]
--- response_body_like eval
[qr/"trace_id"/,
 qr/^\{"detail":"The query took too long and was cancelled\."\}$/]
--- response_headers eval
["!Retry-After", "Retry-After: 1\nContent-Type: application/json\nCache-Control: no-store"]
--- error_code eval: [200, 503]



=== TEST 14: a server that has fallen silent is given up, and that is 503
--- http_config eval: main::private("agentvista_statement_timeout 200ms;")
--- config
    agentvista_timeout 500ms;
    location /api/v1/ { agentvista; }
--- more_headers eval: $::PrivateHeader
--- request eval: [$::PrivateGet, $::PrivateGet, $::PrivateGet]
--- timeout: 10
--- response_body_filters eval
[[\&main::settled], [sub { $main::Pg->freeze(4); $_[0] }],
 [\&main::then_released]]
--- response_body_like eval
[qr/"trace_id"/, qr/"trace_id"/,
 qr/^\{"detail":"The database did not answer\."\}$/]
--- response_headers eval
["!Retry-After", "!Retry-After", "Retry-After: 1"]
--- error_code eval: [200, 200, 503]



=== TEST 15: more queries than may wait are refused at once
--- http_config eval
main::private("agentvista_readers 1;\nagentvista_reader_queue 1;")
--- config
    location = /readyz { agentvista_status readyz; }
    location /api/v1/ { agentvista; }
--- more_headers eval: $::PrivateHeader
--- request eval
["GET /readyz", $::PrivateGet, $::PrivateGet, $::PrivateGet, $::PrivateGet]
--- abort
--- timeout: 1.2
--- response_body_filters eval
[[\&main::settled], [main::then_hold(4)], [\&main::same],
 [\&main::same], [\&main::then_released]]
--- response_body_like eval
[qr/"status"/, qr/"trace_id"/, qr/^$/, qr/^$|Too many queries/,
 qr/^\{"detail":"Too many queries are waiting\."\}$/]
--- response_headers eval
["", "", "", "", "Retry-After: 1"]
--- error_code_like eval
["200|503", "200", "^\$", "^(503)?\$", "503"]



=== TEST 16: a database that is killed in the middle of a query is 503
--- http_config eval: main::private()
--- config
    agentvista_timeout 4s;
    location = /readyz { agentvista_status readyz; }
    location /api/v1/ { agentvista; }
--- more_headers eval: $::PrivateHeader
--- request eval: [$::PrivateGet, $::PrivateGet, $::PrivateGet]
--- timeout: 10
--- response_body_filters eval
[[main::then_hold(9), sub { $main::Pg->kill(1); $_[0] }],
 [sub { main::restart(); $_[0] }], [\&main::same]]
--- response_body_like eval
[qr/"trace_id"/, qr/^\{"detail":"The database did not answer\."\}$/,
 qr/"trace_id"/]
--- error_code eval: [200, 503, 200]



=== TEST 17: a stopped database is 503 with Retry-After, and then works again
--- http_config eval: main::private()
--- config
    agentvista_timeout 700ms;
    location /api/v1/ { agentvista; }
    location = /readyz { agentvista_status readyz; }
--- more_headers eval: $::PrivateHeader
--- request eval
[$::PrivateGet, $::PrivateGet, $::PrivateGet, $::PrivateGet]
--- timeout: 10
--- response_body_filters eval
[[sub { $main::Pg->stop; "stopped" }], [\&main::same],
 [sub { main::restart(); $_[0] }], [main::member('status')]]
--- response_body eval
["stopped", '{"detail":"The database is not available."}',
 '{"detail":"The database is not available."}', '"completed"']
--- response_headers_like eval
["", "Retry-After: [12]", "Retry-After: [12]", ""]
--- error_code eval
[200, 503, 503, 200]



=== TEST 18: an error of the schema is 500 in JSON, and the log names it
--- http_config eval: main::private()
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::PrivateHeader
--- request eval: [$::PrivateGet, $::PrivateGet, $::PrivateGet]
--- response_body_filters eval
[[sub { $main::Pg->sql(
     "create or replace function agentvista.trace_detail(account uuid,"
     . " trace uuid) returns setof agentvista.span_row language plpgsql as"
     . " \$\$ begin raise 'secret of the schema'; end; \$\$"); $_[0] }],
 [main::logged(qr/query "trace_detail" failed with SQLSTATE P0001, request id [0-9a-f]{32}/),
  sub { $main::Pg->migrate; $_[0] }], [\&main::same]]
--- response_body_like eval
[qr/"trace_id"/, qr/^\{"detail":"Internal server error\."\}$/,
 qr/"trace_id"/]
--- error_code eval: [200, 500, 200]



=== TEST 19: a quick query does not wait behind one that takes long
--- http_config eval: main::private("agentvista_readers 2;")
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::PrivateHeader
--- request eval
[$::PrivateGet, $::PrivateGet, "GET /api/v1/me/usage"]
--- abort
--- timeout: 1.5
--- response_body_filters eval
[[\&main::settled, main::then_hold(4)], [\&main::same],
 [\&main::then_released]]
--- response_body_like eval
[qr/"trace_id"/, qr/^$/, qr/"events_used" : 0/]
--- error_code_like eval
["200", "^\$", "200"]
