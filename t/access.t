# The access phase: which bearer tokens open which locations, what is said to
# the others, and errors as JSON in front of any content handler.

use strict;
use warnings;

use lib 't/lib';
use AgentVista;
use Test::Nginx::Socket 'no_plan';

repeat_each(2);
no_root_location();

our $Account = account();
our $Both = key($Account);
our $Read = key($Account, scopes => 'read');
our $Write = key($Account, scopes => 'write');
our $Twice = key($Account, scopes => 'write,read,write');
our $Expired = key($Account, expires => "now() - interval '1 second'");
our $Unknown = 'av_' . '0123456789abcdef' x 4;

our $NoKey = '{"detail":"Invalid or missing API key."}';
our $NoScope = '{"detail":"API key does not have the required scope."}';
our $NotFound = '{"detail":"Not found."}';

our $Guarded = <<'END';
    location = /write { agentvista_access write; empty_gif; }
    location = /both { agentvista_access read write; empty_gif; }
    location = /gif { agentvista_access read; empty_gif; }
END

# The Authorization headers of some requests.
sub auth {
    return [map { "Authorization: $_" } @_];
}

run_tests();

__DATA__

=== TEST 1: without a key: 401 with a challenge, not to be stored
--- config eval: $::Guarded
--- request
GET /gif
--- error_code: 401
--- response_headers
Content-Type: application/json
WWW-Authenticate: Bearer
Cache-Control: no-store
Content-Length: 40
--- response_body eval: $::NoKey



=== TEST 2: a key opens what its scopes allow
--- config eval: $::Guarded
--- request eval
["GET /gif", "GET /write", "GET /both", "GET /both"]
--- more_headers eval
main::auth("Bearer $::Read", "Bearer $::Write", "Bearer $::Both",
 "Bearer $::Twice")
--- error_code eval
[200, 200, 200, 200]



=== TEST 3: a key without the scope: 403 that names it
--- config eval: $::Guarded
--- request eval
["GET /gif", "GET /write", "GET /both"]
--- more_headers eval
main::auth("Bearer $::Write", "Bearer $::Read", "Bearer $::Read")
--- error_code eval
[403, 403, 403]
--- response_headers eval
[map { qq(Content-Type: application/json\nWWW-Authenticate: Bearer error="insufficient_scope", scope="$_") }
     'read', 'write', 'read write']
--- response_body eval
[$::NoScope, $::NoScope, $::NoScope]



=== TEST 4: the scheme is matched in any case, with any number of blanks
--- config eval: $::Guarded
--- request eval
[("GET /gif") x 4]
--- more_headers eval
main::auth("bearer $::Read", "BEARER $::Read", "bEaReR    $::Read",
           "Bearer $::Read   ")
--- error_code eval
[200, 200, 200, 200]



=== TEST 5: another scheme, or a scheme alone, is no key
--- config eval: $::Guarded
--- request eval
[("GET /gif") x 6]
--- more_headers eval
main::auth("Basic Zm9vOmJhcg==", "Bearer", "Bearer   ", $::Read,
           "Bearer$::Read", "Token $::Read")
--- error_code eval
[(401) x 6]
--- response_headers eval
[("WWW-Authenticate: Bearer") x 6]
--- response_body eval
[($::NoKey) x 6]



=== TEST 6: a malformed, unknown or expired key is an invalid token
--- config eval: $::Guarded
--- request eval
[("GET /gif") x 9]
--- more_headers eval
main::auth(map { "Bearer $_" } substr($::Read, 0, 66), "${main::Read}0",
           "av_" . uc substr($::Read, 3), "av-" . substr($::Read, 3),
           "av_" . "g" x 64, "eyJhbGciOiJIUzI1NiJ9.e30.x",
           "$::Read $::Read", $::Unknown, $::Expired)
--- error_code eval
[(401) x 9]
--- response_headers eval
[('WWW-Authenticate: Bearer error="invalid_token"') x 9]
--- response_body eval
[($::NoKey) x 9]



=== TEST 7: a second Authorization header is refused
--- config eval: $::Guarded
--- request
GET /gif
--- more_headers eval
"Authorization: Bearer $::Read\nAuthorization: Bearer $::Both"
--- error_code: 400



=== TEST 8: a refusal is explained in the log, without the key: 403
--- log_level: info
--- config eval: $::Guarded
--- request
GET /gif
--- more_headers eval: "Authorization: Bearer $::Write"
--- error_code: 403
--- error_log
API key lacks the required scope
--- no_error_log eval
[substr($::Write, 11, 40), "[error]"]



=== TEST 9: a refusal is explained in the log, without the key: 401
--- log_level: info
--- config eval: $::Guarded
--- request
GET /gif
--- more_headers eval: "Authorization: Bearer $::Unknown"
--- error_code: 401
--- error_log
invalid API key
--- no_error_log eval
[substr($::Unknown, 11, 40), "[error]"]



=== TEST 10: HEAD gets the headers of the error, and nothing else
--- config eval: $::Guarded
--- request
HEAD /gif
--- error_code: 401
--- response_headers
Content-Type: application/json
Content-Length: 40
--- response_body



=== TEST 11: HTTP/1.0 and a body that nobody reads
--- config eval: $::Guarded
--- request eval
["GET /gif HTTP/1.0", "POST /gif\nhello", "POST /gif\n" . "x" x 200000]
--- error_code eval
[401, 401, 401]
--- response_body eval
[$::NoKey, $::NoKey, $::NoKey]



=== TEST 12: pipelined requests are checked one by one
--- config eval: $::Guarded
--- more_headers eval: "Authorization: Bearer $::Read"
--- pipelined_requests eval
["GET /gif", "GET /write", "POST /write\nhello", "GET /gif", "GET /both", "GET /gif"]
--- error_code eval
[200, 403, 403, 200, 403, 200]



=== TEST 13: the directive is inherited, and "off" ends that
--- config
    agentvista_access read;
    location /closed/ {
        empty_gif;
        location /closed/more/ { agentvista_access write; empty_gif; }
        location /closed/open/ { agentvista_access off; empty_gif; }
    }
--- more_headers eval: "Authorization: Bearer $::Read"
--- request eval
["GET /closed/", "GET /closed/more/", "GET /closed/open/", "GET /else"]
--- error_code eval
[200, 403, 200, 404]



=== TEST 14: an API location asks what its routes need, whatever is inherited
--- config
    agentvista_access write;
    location /api/v1/ { agentvista; }
--- more_headers eval: "Authorization: Bearer $::Read"
--- request
GET /api/v1/me/api-keys/ping/
--- response_body chomp
{"status":"ok"}



=== TEST 15: variables tell who it was
--- config
    add_header X-Account $agentvista_account always;
    add_header X-Prefix $agentvista_key_prefix always;
    set $early $agentvista_account;
    location = /gif { agentvista_access read; empty_gif; }
--- request eval
[("GET /gif") x 3]
--- more_headers eval
main::auth("Bearer $::Read", "Bearer $::Write", "Bearer $::Unknown")
--- error_code eval
[200, 403, 401]
--- response_headers eval
["X-Account: $::Account\nX-Prefix: " . substr($::Read, 0, 11),
 "X-Account: $::Account\nX-Prefix: " . substr($::Write, 0, 11),
 "!X-Account\n!X-Prefix"]



=== TEST 16: errors of nginx's own are JSON there, and nowhere else
--- config
    location /files/ { agentvista_access read; root html; }
    location /gif { agentvista_access read; client_max_body_size 10; empty_gif; }
    location /teapot { agentvista_access read; return 418; }
    location /moved { agentvista_access read; return 302 /gif; }
    location /denied { agentvista_access read; deny all; empty_gif; }
    location /down { agentvista_access read; proxy_pass http://127.0.0.1:1; }
    location /other/ { root html; }
--- more_headers eval: "Authorization: Bearer $::Read"
--- request eval
["GET /files/none", "POST /gif\nhello", "POST /gif\n" . "x" x 100,
 "GET /denied", "GET /down", "GET /teapot", "GET /moved", "GET /other/none"]
--- error_code eval
[404, 405, 413, 403, 502, 418, 302, 404]
--- response_headers eval
[("Content-Type: application/json\nCache-Control: no-store") x 6,
 ("Content-Type: text/html\n!Cache-Control") x 2]
--- response_body_like eval
[map { $_ eq 'html' ? qr/<html>/ : qr/^\{"detail":"\Q$_\E"\}$/ }
     'Not found.', 'Method not allowed.', 'Request body too large.',
     'Access denied.', 'Bad gateway.', 'Request failed.', 'html', 'html']
--- no_error_log
[alert]



=== TEST 17: so are those of modules that come before the key
--- http_config
    limit_req_zone $server_name zone=one:1m rate=1r/m;
--- config
    location = /gif { agentvista_access read; limit_req zone=one; empty_gif; }
--- more_headers eval: "Authorization: Bearer $::Read"
--- request eval
["GET /gif", "GET /gif"]
--- error_code_like eval
[qr/^(200|503)$/, qr/^503$/]
--- response_body_like eval
[qr/^(GIF|\{)/, qr/^\{"detail":"Service temporarily unavailable\."\}$/]



=== TEST 18: in front of an upstream, whose own answers pass as they are
--- http_config
    server {
        listen unix:$TEST_NGINX_SERVER_ROOT/logs/back.sock;
        location /fine { return 200 "fine $http_authorization"; }
        location /gone { return 410 "upstream says so"; }
        location /none { return 404; }
    }
--- config
    location / {
        agentvista_access read;
        proxy_pass http://unix:$TEST_NGINX_SERVER_ROOT/logs/back.sock;
    }
--- request eval
["GET /fine", "GET /gone", "GET /none", "GET /fine"]
--- more_headers eval
main::auth("Bearer $::Read", "Bearer $::Read", "Bearer $::Read", "Bearer $::Write")
--- error_code eval
[200, 410, 404, 403]
--- response_body_like eval
[qr/^fine Bearer av_/, qr/^upstream says so$/, qr/<html>/, qr/\Q$::NoScope\E/]



=== TEST 19: an answer of a handler with an error status passes as it is
--- config
    location /said { agentvista_access read; try_files $uri @said; }
    location @said { agentvista_access read; return 409 "already"; }
--- more_headers eval: "Authorization: Bearer $::Read"
--- request
GET /said
--- error_code: 409
--- response_body chomp
already



=== TEST 20: error_page works: a file, a named location, another status
--- user_files
>>> sorry.json
{"sorry":1}
--- config
    location /file { agentvista_access read; error_page 401 403 /sorry.json; empty_gif; }
    location /named { agentvista_access read; error_page 401 @sorry; empty_gif; }
    location /fine { agentvista_access read; error_page 401 =200 /sorry.json; empty_gif; }
    location /loop { agentvista_access read; error_page 401 /loop2; empty_gif; }
    location /missing { agentvista_access read; error_page 401 /none; empty_gif; }
    location /away { agentvista_access read; error_page 401 https://example.com/; empty_gif; }
    location = /loop2 { agentvista_access read; empty_gif; }
    location = /sorry.json { root html; }
    location = /none { root html; }
    location @sorry { return 401 "sorry"; }
--- request eval
["GET /file", "GET /named", "GET /fine", "GET /loop", "GET /missing", "GET /away"]
--- error_code eval
[401, 401, 200, 401, 404, 302]
--- response_headers eval
["WWW-Authenticate: Bearer", "WWW-Authenticate: Bearer", "",
 "Content-Type: application/json", "", "Location: https://example.com/"]
--- response_body_like eval
[qr/^\{"sorry":1\}$/, qr/^sorry$/, qr/^\{"sorry":1\}$/, qr/\Q$::NoKey\E/,
 qr/<html>/, qr/<html>/]
--- no_error_log
[alert]



=== TEST 21: an error page from a guarded location is the operator's, too
--- user_files
>>> guarded/sorry.json
{"sorry":2}
--- config
    location /guarded/ {
        agentvista_access read;
        error_page 404 /guarded/sorry.json;
        root html;
    }
    location /asked/ {
        agentvista_access read;
        error_page 404 /guarded/none.json;
        root html;
    }
--- more_headers eval: "Authorization: Bearer $::Read"
--- request eval
["GET /guarded/none", "GET /guarded/sorry.json", "GET /asked/none"]
--- error_code eval
[404, 200, 404]
--- response_body_like eval
[qr/^\{"sorry":2\}$/, qr/^\{"sorry":2\}$/, qr/<html>/]
--- no_error_log
[alert]



=== TEST 22: satisfy any: an address instead of a key, or a key instead of an address
--- user_files
>>> any/file
content
--- config
    root html;
    location /any/ { satisfy any; allow 127.0.0.1; deny all; agentvista_access read; }
    location /key/ { satisfy any; deny all; agentvista_access read; alias html/any/; }
    location /all/ { satisfy all; deny all; agentvista_access read; alias html/any/; }
--- request eval
["GET /any/file", "GET /any/file", "GET /any/nothing", "GET /key/file",
 "GET /key/file", "GET /all/file"]
--- more_headers eval
main::auth("none", "Bearer $::Write", "none", "none", "Bearer $::Write",
 "Bearer $::Read")
--- error_code eval
[200, 200, 404, 401, 403, 403]
--- response_headers eval
["!WWW-Authenticate", "!WWW-Authenticate", "!WWW-Authenticate",
 "WWW-Authenticate: Bearer", "", ""]
--- response_body_like eval
[qr/^content$/, qr/^content$/, qr/\Q$::NotFound\E/, qr/\Q$::NoKey\E/,
 qr/\Q$::NoScope\E/, qr/Access denied/]
--- no_error_log
[alert]



=== TEST 23: in the API an address is no substitute for a key
--- config
    location /api/v1/ { satisfy any; allow all; agentvista; }
--- request eval
[("GET /api/v1/me/api-keys/ping/") x 3]
--- more_headers eval
main::auth("none", "Bearer $::Write", "Bearer $::Read")
--- error_code eval
[401, 403, 200]
--- response_body eval
[$::NoKey, $::NoScope, '{"status":"ok"}']



=== TEST 24: a refusal comes instead of "100 Continue"
--- config
    location /api/v1/ { agentvista; }
    location /page { agentvista_access read; error_page 401 /sorry; empty_gif; }
    location /other { agentvista_access read; error_page 401 = /sorry; empty_gif; }
    location /fine { agentvista_access read; error_page 401 =200 /sorry; empty_gif; }
    location = /sorry { return 401 "sorry"; }
    location /sorry2 { agentvista_access read; error_page 401 @sorry; empty_gif; }
    location @sorry { proxy_pass http://127.0.0.1:1; }
--- request eval
[map { "POST $_\nhello" } ("/api/v1/traces/batch") x 3, "/api/v1/nothing",
                          "/api/v1/me/usage", "/page", "/other", "/fine",
                          "/sorry2"]
--- more_headers eval
[map { "Expect: 100-continue\nAuthorization: $_" }
     "none", "Bearer $::Unknown", "Bearer $::Read", ("Bearer $::Both") x 2,
     ("none") x 4]
--- error_code eval
[401, 401, 403, 404, 405, 401, 401, 200, 502]
--- response_headers eval
[("Connection: close") x 9]
--- no_error_log
[alert]



=== TEST 25: gzip works on errors as on any JSON
--- config
    gzip on;
    gzip_min_length 1;
    gzip_types application/json;
    location /gif { agentvista_access write; empty_gif; }
--- more_headers eval
"Authorization: Bearer $::Read\nAccept-Encoding: gzip"
--- request
GET /gif
--- error_code: 403
--- response_headers
Content-Type: application/json
Content-Encoding: gzip
--- response_body_unlike: detail



=== TEST 26: operators' headers are added to errors
--- config
    add_header X-Always 1 always;
    charset utf-8;
    charset_types *;
    location /gif { agentvista_access write; empty_gif; }
--- request
GET /gif
--- error_code: 401
--- response_headers
X-Always: 1
WWW-Authenticate: Bearer
--- response_body eval: $::NoKey
