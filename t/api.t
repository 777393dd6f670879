# Routing: which paths and methods the API has, wherever it is mounted, and
# what it says to all others.

use strict;
use warnings;

use lib 't/lib';
use AgentVista;
use Test::Nginx::Socket 'no_plan';

repeat_each(2);
no_root_location();

our $Account = account();
our $Key = bearer(key($Account));
our $Read = key($Account, scopes => 'read');
our $Write = key($Account, scopes => 'write');
our $Limited = bearer(key(account(events_limit => 1000)));
our $Batch = batch(trace({}, span(), span(), span()));
our $NotFound = '{"detail":"Not found."}';
our $Ping = '{"status":"ok"}';
our $Usage = qr/^\{"period_start" : "\d{4}-\d\d-01T00:00:00Z", "period_end" : "\d{4}-\d\d-01T00:00:00Z", "events_used" : \d+, "events_limit" : null\}$/;

our $NoKey = '{"detail":"Invalid or missing API key."}';

run_tests();

__DATA__

=== TEST 1: a route answers with and without its trailing slash, without a redirect
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
["GET /api/v1/me/api-keys/ping/", "GET /api/v1/me/api-keys/ping",
 "GET /api/v1/me/usage", "GET /api/v1/me/usage/"]
--- response_body eval
[$::Ping, $::Ping, $::Usage, $::Usage]
--- response_headers eval
[map { "Content-Type: application/json\nCache-Control: no-store\n!Location" } 1 .. 4]
--- error_code eval
[200, 200, 200, 200]



=== TEST 2: a second trailing slash is another path
--- config
    merge_slashes off;
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
["GET /api/v1/me/usage//", "GET /api/v1//", "GET /api/v1/dashboard/traces//",
 "GET /api/v1/dashboard/traces/" . "0" x 32 . "//"]
--- error_code eval: [404, 404, 404, 404]
--- response_body eval: [map { $::NotFound } 1 .. 4]



=== TEST 3: HEAD is GET without the body
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
["HEAD /api/v1/me/api-keys/ping/", "HEAD /api/v1/me/usage",
 "HEAD /api/v1/nothing"]
--- response_headers eval
["Content-Length: 15\nContent-Type: application/json",
 "Content-Type: application/json", "Content-Type: application/json"]
--- response_body eval
["", "", ""]
--- error_code eval
[200, 200, 404]



=== TEST 4: an unknown path is 404 in JSON, with or without a key
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval
["", $::Key, $::Key, $::Key, $::Key, $::Key, $::Key]
--- request eval
["GET /api/v1/nothing", "GET /api/v1/nothing", "GET /api/v1/me",
 "GET /api/v1/me/usage/x", "GET /api/v1/me/usagex", "GET /api/v1/",
 "GET /api/v1/dashboard//"]
--- response_body eval
[map { $::NotFound } 1 .. 7]
--- response_headers eval
[map { "Content-Type: application/json\nCache-Control: no-store" } 1 .. 7]
--- error_code eval
[map { 404 } 1 .. 7]



=== TEST 5: another method is 405 with Allow, before the key is looked at
--- config
    location /api/v1/ { agentvista; }
--- request eval
["POST /api/v1/me/api-keys/ping/\n{}", "DELETE /api/v1/me/usage",
 "OPTIONS /api/v1/me/usage", "PROPFIND /api/v1/me/usage",
 "PUT /api/v1/dashboard/traces/x\n{}"]
--- response_headers eval
[map { "Allow: GET, HEAD\nContent-Type: application/json" } 1 .. 5]
--- response_body eval
[map { '{"detail":"Method not allowed. Allowed: GET, HEAD."}' } 1 .. 5]
--- error_code eval
[map { 405 } 1 .. 5]



=== TEST 6: GET and HEAD are not allowed where only POST is
--- config
    location /api/v1/ { agentvista; }
--- request eval
["GET /api/v1/traces/batch", "GET /api/v1/traces/batch/",
 "HEAD /api/v1/traces/batch"]
--- response_headers eval
[map { "Allow: POST" } 1 .. 3]
--- response_body eval
['{"detail":"Method not allowed. Allowed: POST."}',
 '{"detail":"Method not allowed. Allowed: POST."}', '']
--- error_code eval
[405, 405, 405]



=== TEST 7: a POST to the API's base is told the right URL
--- config
    location /api/v1 { agentvista; }
    location /observe/api/v1/ { agentvista; }
    location /other { agentvista; }
--- request eval
["POST /api/v1\n{}", "POST /api/v1/\n{}", "POST /observe/api/v1/\n{}",
 "POST /other/\n{}", "GET /api/v1/"]
--- response_body eval
[(map { my $text = "Not found. Post OpenTelemetry data to $_/otlp/v1/traces, "
        . "metrics or logs, and batches of traces to $_/traces/batch.";
        qq({"code":12,"message":"$text","detail":"$text"}) }
    '/api/v1', '/api/v1', '/observe/api/v1', '/other'), $::NotFound]
--- error_code eval
[404, 404, 404, 404, 404]



=== TEST 8: the API can be mounted at the root, with and without its own prefix
--- config
    location / { agentvista; }
--- more_headers eval: $::Key
--- request eval
["GET /api/v1/me/usage", "GET /me/usage", "GET /api/v1/api/v1/me/usage",
 "GET /api/v10/me/usage", "GET /api/v2/me/usage", "GET /api"]
--- response_body eval
[$::Usage, $::Usage, $::NotFound, $::NotFound, $::NotFound, $::NotFound]
--- error_code eval
[200, 200, 404, 404, 404, 404]



=== TEST 9: the API can be mounted anywhere
--- config
    location /observe/api/v1/ { agentvista; }
    location /observe/ { agentvista; }
    location /no-slash { agentvista; }
    location ^~ /preferred/ { agentvista; }
    location /api/v1beta/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
["GET /observe/api/v1/me/usage", "GET /observe/me/usage",
 "GET /no-slash/me/usage", "GET /no-slash/api/v1/me/usage",
 "GET /no-slashes/me/usage", "GET /preferred/api/v1/me/usage",
 "GET /api/v1beta/me/usage", "GET /api/v1beta/api/v1/me/usage"]
--- response_body eval
[$::Usage, $::Usage, $::Usage, $::Usage, $::NotFound, $::Usage, $::Usage,
 $::Usage]
--- error_code eval
[200, 200, 200, 200, 404, 200, 200, 200]



=== TEST 10: a location may be of one route, of a part of the API, or a pattern
--- config
    location = /api/v1/me/usage { agentvista; }
    location = /me/usage { agentvista; }
    location /api/v1/me/ { agentvista; }
    location ~ ^/api/v1/.*ping { agentvista; }
    location /outer/ {
        location /outer/api/v1/ { agentvista; }
    }
--- more_headers eval: $::Key
--- request eval
["GET /api/v1/me/usage", "GET /api/v1/me/usage/",
 "GET /api/v1/me/api-keys/ping/", "GET /outer/api/v1/me/usage",
 "GET /me/usage"]
--- response_body eval
[$::Usage, $::Usage, $::Ping, $::Usage, $::Usage]
--- error_code eval
[200, 200, 200, 200, 200]



=== TEST 11: a rewritten request is routed by its new path
--- config
    rewrite ^/legacy/(.*)$ /api/v1/$1 last;
    location /api/v1/ { agentvista; }
    location /inside/ {
        rewrite ^/inside/(.*)$ /api/v1/$1 break;
        agentvista;
    }
--- more_headers eval: $::Key
--- request eval
["GET /legacy/me/usage", "GET /inside/me/usage", "GET /legacy/nothing"]
--- response_body eval
[$::Usage, $::Usage, $::NotFound]
--- error_code eval
[200, 200, 404]



=== TEST 12: a path is routed as nginx has decoded and normalised it
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
["GET /api/v1/%6de/us%61ge", "GET /api/v1/x/../me/./usage",
 "GET //api//v1/me//usage", "GET /api/v1/me%2Fusage",
 "GET /api/v1/me/usage?page=1", "GET /api/v1/ME/usage"]
--- response_body eval
[$::Usage, $::Usage, $::Usage, $::Usage, $::Usage, $::NotFound]
--- error_code eval
[200, 200, 200, 200, 200, 404]



=== TEST 13: the body of a GET is discarded, and the connection goes on
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- pipelined_requests eval
["GET /api/v1/me/usage\nsomething", "GET /api/v1/nothing\n" . "x" x 100000,
 "GET /api/v1/me/api-keys/ping/\n{}"]
--- response_body eval
[$::Usage, $::NotFound, $::Ping]
--- error_code eval
[200, 404, 200]



=== TEST 14: pipelined reads are all answered, in order
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- pipelined_requests eval
[map { ("GET /api/v1/me/usage", "GET /api/v1/me/api-keys/ping/") } 1 .. 10]
--- response_body eval
[map { ($::Usage, $::Ping) } 1 .. 10]



=== TEST 15: a subrequest passes no access phase, so it gets nothing
--- config
    location /api/v1/ { agentvista; }
    location /guarded/ {
        auth_request /api/v1/me/usage;
        empty_gif;
    }
--- more_headers eval: $::Key
--- request
GET /guarded/
--- error_code: 401



=== TEST 16: whoever another module lets in still needs a key
--- config
    location /api/v1/ {
        satisfy any;
        allow all;
        agentvista;
    }
--- more_headers eval
["", $::Key]
--- request eval
["GET /api/v1/me/usage", "GET /api/v1/nothing"]
--- response_body eval
[$::NoKey, $::NotFound]
--- error_code eval
[401, 404]



=== TEST 17: the key is looked at before a parameter of the path
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval
["", $::Key]
--- request eval
["GET /api/v1/dashboard/traces/malformed",
 "GET /api/v1/dashboard/traces/malformed"]
--- response_body eval
[$::NoKey, $::NotFound]
--- error_code eval
[401, 404]



=== TEST 18: a key's scopes decide by route
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval
[AgentVista::bearer($::Write), AgentVista::bearer($::Write),
 AgentVista::bearer($::Read), AgentVista::bearer($::Read)]
--- request eval
["GET /api/v1/me/usage", "POST /api/v1/traces/batch\n{\"traces\":[]}",
 "GET /api/v1/me/usage", "POST /api/v1/traces/batch\n{\"traces\":[]}"]
--- response_body_like eval
[qr/API key does not have the required scope\./, qr/"accepted":0/, qr/period/,
 qr/API key does not have the required scope\./]
--- error_code eval
[403, 200, 200, 403]



=== TEST 19: the usage counts the month's spans, once, and shows the limit
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Limited
--- request eval
["GET /api/v1/me/usage", "POST /api/v1/traces/batch\n$::Batch",
 "GET /api/v1/me/usage", "POST /api/v1/traces/batch\n$::Batch",
 "GET /api/v1/me/usage"]
--- response_body_like eval
[qr/"events_used" : [03], "events_limit" : 1000/, qr/"accepted":1/,
 qr/"events_used" : 3, "events_limit" : 1000/, qr/"accepted":1/,
 qr/"events_used" : 3, "events_limit" : 1000/]



=== TEST 20: "if" and "limit_except" in a location leave it the API's
--- config
    location /api/v1/ {
        agentvista;

        if ($arg_x) {
            set $x 1;
        }

        limit_except GET {
            deny 192.0.2.1;
        }
    }

    location /denied/ {
        agentvista;

        limit_except GET {
            deny all;
        }
    }
--- more_headers eval
[$::Key, $::Key, $::Key, "", $::Key, $::Key]
--- request eval
["GET /api/v1/me/api-keys/ping?x=1", "POST /api/v1/traces/batch\n{\"traces\":[]}",
 "POST /api/v1/me/usage", "GET /api/v1/me/usage?x=1",
 "GET /denied/me/api-keys/ping", "POST /denied/traces/batch\n{\"traces\":[]}"]
--- response_body eval
[$::Ping, '{"accepted":0,"rejected":0,"errors":[]}',
 '{"detail":"Method not allowed. Allowed: GET, HEAD."}', $::NoKey,
 $::Ping, '{"detail":"Access denied."}']
--- error_code eval
[200, 200, 405, 401, 200, 403]



=== TEST 21: conditions on an answer are ignored, as what was stored is stored
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval
[map { "$::Limited\n$_" } 'If-Match: "1"',
                          "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT"]
--- request eval
[("POST /api/v1/traces/batch\n$::Batch") x 2]
--- response_body eval
[('{"accepted":1,"rejected":0,"errors":[]}') x 2]
--- error_code eval: [200, 200]
