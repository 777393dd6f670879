# /healthz, /readyz and /metrics.

use strict;
use warnings;

use lib 't/lib';
use AgentVista;
use PrivatePostgres;
use IO::Socket::INET;
use JSON::PP;
use Test::Nginx::Socket 'no_plan';

no_root_location();

our $Account = account();
our $Key = bearer(key($Account));
our $Limited = bearer(key(account(events_limit => 3)));
our $Spent = bearer(key(account(events_limit => 0)));
our $Ok = '{"status":"ok"}';
our $Batch = batch(trace({}, span(), span()));
our $Mixed = batch(trace({}, span()), trace({ status => 'odd' }, span()));

our $Pg = PrivatePostgres->new;
our $Private = 'agentvista_database "' . $Pg->conninfo . qq{";
agentvista_zone 1m;};

our $PgKey = do {
    my $account = $Pg->sql("insert into agentvista.accounts (name)
                            values ('status') returning id");
    my $key = 'av_' . 'd' x 64;
    $Pg->sql("insert into agentvista.api_keys (account_id, key_hash, prefix,
              scopes) values ('$account', sha256('$key'), left('$key', 11),
              '{write}')");
    bearer($key);
};
our $PgBatch = batch(trace({}, span()));

# Postgres must be gone from the address, not only from the socket.
our $Nobody = 'agentvista_database "host=127.0.0.1 port=' . free_port()
              . qq{ dbname=x user=x password=hush-hush";\nagentvista_zone 1m;};


sub same { return $_[0] }


# Waits, while nginx does what it does, until a URL answers with a status.
sub until_status {
    my ($path, $status) = @_;

    for (1 .. 200) {
        my $nginx = IO::Socket::INET->new(
            PeerAddr => "127.0.0.1:$ENV{TEST_NGINX_PORT}");

        if ($nginx) {
            print $nginx "GET $path HTTP/1.0\r\n\r\n";
            my $line = <$nginx> // '';
            return if $line =~ / $status /;
        }

        select undef, undef, undef, 0.1;
    }
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


# The samples of an exposition by name and labels; dies of what Prometheus
# would refuse.
sub samples {
    my ($text) = @_;

    my $label = qr/[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"/;
    my (%samples, %type, %help, %done, $family);

    die "no line feed at the end\n" if $text !~ /\n\z/;

    for my $line (split /\n/, $text) {

        if ($line =~ /^# HELP ([a-z_]+) \S.*$/) {
            die "second help: $line\n" if $help{$1}++;
            next;
        }

        if ($line =~ /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/) {
            die "second type: $line\n" if $type{$1};
            $type{$1} = $2;
            next;
        }

        $line =~ /^([a-z_]+)(?:\{($label(?:,$label)*)\})? (\d+(?:\.\d+)?)$/
            or die "no sample: $line\n";

        my ($name, $labels, $value) = ($1, $2 // '', $3);
        my $base = $name;

        $base =~ s/_(?:bucket|sum|count)$// if !$type{$name};

        die "no type: $line\n" if !$type{$base} || !$help{$base};
        die "no histogram: $line\n"
            if $base ne $name && $type{$base} ne 'histogram';
        die "a counter that is not called total: $line\n"
            if $type{$base} eq 'counter' && $name !~ /_total$/;
        die "not in one piece: $line\n"
            if ($family // '') ne $base && $done{$base}++;
        die "twice: $line\n" if exists $samples{$name}{$labels};

        $family = $base;
        $samples{$name}{$labels} = $value;
    }

    for my $name (grep { $type{$_} eq 'histogram' } keys %type) {
        my $buckets = $samples{"${name}_bucket"};
        my ($last, $count) = (-1, 0);

        for my $le (sort { $a <=> $b }
                    map { /^le="(.*)"$/ ? $1 eq '+Inf' ? 9**9**9 : $1 : die }
                    keys %$buckets)
        {
            my $n = $buckets->{$le == 9**9**9 ? 'le="+Inf"' : qq{le="$le"}};

            die "$name is not cumulative\n" if $n < $count;
            ($last, $count) = ($le, $n);
        }

        die "$name has no +Inf\n" if $last != 9**9**9;
        die "$name: count\n" if $samples{"${name}_count"}{''} != $count;
        die "$name: sum\n" if !defined $samples{"${name}_sum"}{''};
    }

    return \%samples;
}


# A filter that shows the chosen samples, one a line.
sub shows {
    my @chosen = @_;

    return sub {
        my $samples = eval { samples($_[0]) };

        return "bad exposition: $@" if $@;

        return join '', map {
            my ($name, $labels) = /^(\w+)(?:\{(.*)\})?$/;
            "$_ " . ($samples->{$name}{$labels // ''} // 'missing') . "\n";
        } @chosen;
    };
}


run_tests();

__DATA__

=== TEST 1: a living server is healthy
--- config
    location = /healthz { agentvista_status healthz; }
--- request eval: ["GET /healthz", "HEAD /healthz"]
--- response_body eval: [$::Ok, ""]
--- response_headers eval
[map { "Content-Type: application/json\nContent-Length: 15" } 1 .. 2]



=== TEST 2: it is healthy without its database, but not ready
--- http_config eval: $::Nobody
--- config
    location = /healthz { agentvista_status healthz; }
    location = /readyz { agentvista_status readyz; }
--- request eval: ["GET /healthz", "GET /readyz", "HEAD /readyz"]
--- response_body_like eval
[qr/^\{"status":"ok"\}$/,
 qr/^\{"status":"unavailable","problems":\["cannot read: [^"]+","cannot write: [^"]+","the state of the database is not known"\]\}$/,
 qr/^$/]
--- response_headers eval
["!Retry-After",
 map { "Retry-After: 5\nContent-Type: application/json" } 1 .. 2]
--- error_code eval: [200, 503, 503]
--- wait: 1



=== TEST 3: what is wrong is said without the connection string
--- http_config eval: $::Nobody
--- config
    location = /readyz { agentvista_status readyz; }
--- request eval: ["GET /readyz", "GET /readyz"]
--- response_body_filters eval
[[sub { sleep 1; $_[0] }], [\&main::same]]
--- response_body_unlike eval: [map { qr/hush-hush|password|dbname/ } 1 .. 2]
--- error_code eval: [503, 503]
--- no_error_log
hush-hush



=== TEST 4: with its database it is ready
--- config
    location = /readyz { agentvista_status readyz; }
--- request eval: ["GET /readyz", "GET /readyz", "HEAD /readyz"]
--- response_body_filters eval
[[sub { main::until_status("/readyz", 200); "" }], [\&main::same],
 [\&main::same]]
--- response_body eval: ["", $::Ok, ""]
--- error_code_like eval: ["^(200|503)\$", "200", "200"]



=== TEST 5: only GET and HEAD are allowed
--- config
    location = /healthz { agentvista_status healthz; }
    location = /readyz { agentvista_status readyz; }
    location = /metrics { agentvista_status metrics; }
--- request eval
["POST /healthz\nx", "DELETE /readyz", "POST /metrics\n" . "x" x 100000]
--- response_headers eval
[map { "Allow: GET, HEAD\nContent-Type: application/json" } 1 .. 3]
--- response_body eval
[map { '{"detail":"Method not allowed. Allowed: GET, HEAD."}' } 1 .. 3]
--- error_code eval: [405, 405, 405]



=== TEST 6: a database that is stopped and started again is noticed
--- http_config eval: $::Private
--- config
    location = /readyz { agentvista_status readyz; }
--- init
$::Pg->start;
--- request eval: [map { "GET /readyz" } 1 .. 3]
--- timeout: 30
--- response_body_filters eval
[[sub { main::until_status("/readyz", 200); $::Pg->stop;
        main::until_status("/readyz", 503); "" }],
 [sub { $::Pg->start; main::until_status("/readyz", 200); $_[0] }],
 [\&main::same]]
--- response_body_like eval
[qr/^$/, qr/"status":"unavailable".*cannot read.*cannot write/,
 qr/^\{"status":"ok"\}$/]
--- error_code_like eval: ["^(200|503)\$", "503", "200"]



=== TEST 7: a server without fsync is degraded, and the log says so
--- http_config eval: $::Private
--- config
    location = /readyz { agentvista_status readyz; }
--- init
$::Pg->stop;
$::Pg->start('fsync=off');
--- request eval: ["GET /readyz", "GET /readyz"]
--- timeout: 30
--- response_body_filters eval
[[sub { sleep 2; "" }], [main::logged(qr/fsync off/),
                         sub { $::Pg->stop; $::Pg->start; $_[0] }]]
--- response_body eval
["", '{"status":"degraded","problems":["Postgres runs with fsync off:'
     . ' a crash can lose acknowledged data"]}']
--- response_headers_like eval: ["", "Retry-After: 5"]
--- error_code eval: [503, 503]



=== TEST 8: all that is wrong is listed
--- http_config eval: $::Private
--- config
    location = /readyz { agentvista_status readyz; }
--- init
$::Pg->stop;
$::Pg->start('fsync=off', 'synchronous_commit=off', 'full_page_writes=off');
--- request eval: ["GET /readyz", "GET /readyz"]
--- timeout: 30
--- response_body_filters eval
[[sub { sleep 2; "" }],
 [sub { $::Pg->stop; $::Pg->start;
        CORE::join ' ', map { /with (\w+) off/ } @{JSON::PP::decode_json($_[0])->{problems}} }]]
--- response_body eval: ["", "fsync synchronous_commit full_page_writes"]
--- error_code eval: [503, 503]



=== TEST 9: a server that is read-only is not ready for traffic
--- http_config eval: $::Private
--- config
    location = /readyz { agentvista_status readyz; }
--- init
$::Pg->stop;
$::Pg->start('default_transaction_read_only=on');
--- request eval: ["GET /readyz", "GET /readyz"]
--- timeout: 30
--- response_body_filters eval
[[sub { sleep 2; "" }], [sub { $::Pg->stop; $::Pg->start; $_[0] }]]
--- response_body eval
["", '{"status":"degraded","problems":["Postgres is read-only: nothing can'
     . ' be stored"]}']
--- error_code eval: [503, 503]



=== TEST 10: a server that refuses what is written is not ready
--- http_config eval: $::Private
--- config
    location = /readyz { agentvista_status readyz; }
    location /api/v1/ { agentvista; }
--- request eval
["GET /readyz", "POST /api/v1/traces/batch\n$::PgBatch", "GET /readyz",
 "POST /api/v1/traces/batch\n$::PgBatch", "GET /readyz"]
--- more_headers eval: $::PgKey
--- timeout: 30
--- response_body_filters eval
[[sub { main::until_status("/readyz", 200);
        $::Pg->sql("alter table agentvista.agent_changes rename to hidden"); $_[0] }],
 [\&main::same],
 [sub { $::Pg->sql("alter table agentvista.hidden rename to agent_changes"); $_[0] }],
 [\&main::same], [\&main::same]]
--- response_body_like eval
[".", qr/^\{"detail":/, qr/"cannot write: Postgres refuses it, SQLSTATE 42P01"/,
 qr/"accepted":1/, qr/^\{"status":"ok"\}$/]
--- error_code_like eval: ["^(200|503)\$", "503", "503", "200", "200"]
--- no_error_log
[emerg]



=== TEST 11: the exposition is what Prometheus reads, before any request
--- config
    location = /metrics { agentvista_status metrics; }
--- request eval: ["GET /metrics", "HEAD /metrics"]
--- response_headers eval
["Content-Type: text/plain; version=0.0.4; charset=utf-8",
 "Content-Type: text/plain; version=0.0.4; charset=utf-8"]
--- response_body_filters eval
[[main::shows("agentvista_spans_total{result=\"accepted\"}",
              "agentvista_flush_spans_count", "agentvista_queue_batches")],
 [\&main::same]]
--- response_body eval
['agentvista_spans_total{result="accepted"} 0
agentvista_flush_spans_count 0
agentvista_queue_batches 0
', ""]



=== TEST 12: requests are counted by route and status, unknown ones as other
--- config
    location /api/v1/ { agentvista; }
    location = /metrics { agentvista_status metrics; }
--- more_headers eval
[$::Key, $::Key, $::Key, "", "", $::Key, $::Key, $::Key, ""]
--- request eval
["GET /api/v1/me/usage", "HEAD /api/v1/me/usage/",
 "GET /api/v1/me/api-keys/ping/", "GET /api/v1/me/usage", "GET /api/v1/x",
 "POST /api/v1/me/usage\n{}", "GET /api/v1/dashboard/traces/x",
 "POST /api/v1/traces/batch\n{", "GET /metrics"]
--- response_body_filters eval
[(map { [sub { "" }] } 1 .. 8), [main::shows(
    'agentvista_requests_total{route="GET /me/usage",status="200"}',
    'agentvista_requests_total{route="GET /me/api-keys/ping",status="200"}',
    'agentvista_requests_total{route="GET /me/usage",status="401"}',
    'agentvista_requests_total{route="other",status="404"}',
    'agentvista_requests_total{route="other",status="405"}',
    'agentvista_requests_total{route="GET /dashboard/traces/{trace_id}",status="404"}',
    'agentvista_requests_total{route="POST /traces/batch",status="400"}')]]
--- response_body eval
[(map { "" } 1 .. 8),
'agentvista_requests_total{route="GET /me/usage",status="200"} 2
agentvista_requests_total{route="GET /me/api-keys/ping",status="200"} 1
agentvista_requests_total{route="GET /me/usage",status="401"} 1
agentvista_requests_total{route="other",status="404"} 1
agentvista_requests_total{route="other",status="405"} 1
agentvista_requests_total{route="GET /dashboard/traces/{trace_id}",status="404"} 1
agentvista_requests_total{route="POST /traces/batch",status="400"} 1
']
--- error_code eval
[200, 200, 200, 401, 404, 405, 404, 400, 200]



=== TEST 13: spans, traces, keys, refusals and flushes are counted
--- config
    location /api/v1/ { agentvista; }
    location = /metrics { agentvista_status metrics; }
    location = /readyz { agentvista_status readyz; }
--- more_headers eval
["", $::Key, $::Key, $::Key, $::Limited, $::Spent, ""]
--- request eval
["GET /readyz",
 "POST /api/v1/traces/batch\n$::Batch", "POST /api/v1/traces/batch\n$::Batch",
 "POST /api/v1/traces/batch\n$::Mixed", "POST /api/v1/traces/batch\n$::Batch",
 "POST /api/v1/traces/batch\n$::Batch", "GET /metrics"]
--- response_body_filters eval
[[sub { main::until_status("/readyz", 200); "" }],
 (map { [sub { "" }] } 1 .. 5), [main::shows(
    'agentvista_spans_total{result="accepted"}',
    'agentvista_spans_total{result="duplicate"}',
    'agentvista_spans_total{result="rejected"}',
    'agentvista_traces_total{result="accepted"}',
    'agentvista_traces_total{result="rejected"}',
    'agentvista_refusals_total{reason="quota"}',
    'agentvista_key_lookups_total{result="hit"}',
    'agentvista_key_lookups_total{result="miss"}',
    'agentvista_flushes_total{result="committed"}',
    'agentvista_flush_spans_count', 'agentvista_flush_spans_sum',
    'agentvista_queue_batches', 'agentvista_queue_bytes')]]
--- response_body eval
[(map { "" } 1 .. 6),
'agentvista_spans_total{result="accepted"} 5
agentvista_spans_total{result="duplicate"} 2
agentvista_spans_total{result="rejected"} 1
agentvista_traces_total{result="accepted"} 4
agentvista_traces_total{result="rejected"} 1
agentvista_refusals_total{reason="quota"} 1
agentvista_key_lookups_total{result="hit"} 2
agentvista_key_lookups_total{result="miss"} 3
agentvista_flushes_total{result="committed"} 4
agentvista_flush_spans_count 4
agentvista_flush_spans_sum 7
agentvista_queue_batches 0
agentvista_queue_bytes 0
']
--- error_code_like eval
["", 200, 200, 200, 200, 429, 200]



=== TEST 14: the gauges of the pools show their connections
--- http_config eval
"agentvista_readers 3;\nagentvista_writers 2;"
--- config
    location = /metrics { agentvista_status metrics; }
--- request eval: ["GET /metrics", "GET /metrics"]
--- response_body_filters eval
[[sub { sleep 3; "" }], [main::shows(
    'agentvista_pool_connections{pool="reader",state="ready"}',
    'agentvista_pool_connections{pool="reader",state="idle"}',
    'agentvista_pool_connections{pool="writer",state="ready"}',
    'agentvista_pool_connections{pool="writer",state="idle"}',
    'agentvista_pool_queued{pool="reader"}',
    'agentvista_database_listening')]]
--- response_body eval
["",
'agentvista_pool_connections{pool="reader",state="ready"} 3
agentvista_pool_connections{pool="reader",state="idle"} 3
agentvista_pool_connections{pool="writer",state="ready"} 2
agentvista_pool_connections{pool="writer",state="idle"} 2
agentvista_pool_queued{pool="reader"} 0
agentvista_database_listening 1
']
