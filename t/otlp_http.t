# OTLP over HTTP: paths, types and encodings, answers, errors: otlp.md 1 to 4,
# agentvista.md 7.1, agentmark.md 5.

use strict;
use warnings;

use lib 't/lib';
use AgentVista;
use IO::Compress::Gzip qw(gzip);
use Test::Nginx::Socket 'no_plan';

repeat_each(2);
no_root_location();

our $Account = account();
our $Bare = key($Account);
our $Key = bearer($Bare);
our $Json = "$Key\nContent-Type: application/json";
our $Proto = "$Key\nContent-Type: application/x-protobuf";
our $ReadKey = bearer(key($Account, scopes => 'read'));

our @Signals = ('traces', 'metrics', 'logs');

our $Api = '    location /api/v1/ { agentvista; }';
our $Standard = '    location /v1/ { agentvista; }';


# --- requests ----------------------------------------------------------------

sub nano { return (time - 60) . '000000000' }


# A request for traces with spans, each given by the start of its trace id;
# none is an invalid one.
sub traces_json {
    my $time = nano();

    my @spans = map {
        my $trace = $_ ? sprintf('%02x', $_) . substr(unhyphen(uuid()), 2)
                       : '0' x 32;
        my $span = substr unhyphen(uuid()), 0, 16;

        qq({"traceId":"$trace","spanId":"$span","name":"s","kind":1,)
        . qq("startTimeUnixNano":"$time","endTimeUnixNano":"$time"})
    } @_;

    return '{"resourceSpans":[{"scopeSpans":[{"spans":['
           . join(',', @spans) . ']}]}]}';
}


sub unhyphen { return $_[0] =~ s/-//gr }


# A field of protobuf: bytes or a message; a fixed64.
sub field {
    my ($number, $bytes) = @_;

    return pack('Cw/a*', $number << 3 | 2, $bytes) if length $bytes < 128;
    return pack('C', $number << 3 | 2) . varint(length $bytes) . $bytes;
}

sub varint {
    my ($n) = @_;

    my $bytes = '';

    while ($n >= 128) {
        $bytes .= chr($n & 127 | 128);
        $n >>= 7;
    }

    return $bytes . chr $n;
}

sub fixed64 { return pack 'CQ<', $_[0] << 3 | 1, $_[1] }


# The same as traces_json(), after a field of no known number: a body that
# begins with a newline, as it would without, is lost in Test::Nginx.
sub traces_proto {
    my $time = nano();

    my @spans = map {
        field(2, field(1, $_ ? chr($_) . pack('H30', substr unhyphen(uuid()), 2)
                             : "\0" x 16)
                 . field(2, pack 'H16', unhyphen(uuid()))
                 . field(5, 's') . fixed64(7, $time) . fixed64(8, $time))
    } @_;

    return "x\1" . field(1, field(2, join '', @spans));
}


sub logs_json {
    my ($n, $text) = @_;

    my $time = nano();
    my $records = join ',', map {
        qq({"timeUnixNano":"$time","body":{"stringValue":"$text $_"}})
    } 1 .. $n;

    return '{"resourceLogs":[{"scopeLogs":[{"logRecords":[' . $records
           . ']}]}]}';
}


sub metrics_json {
    my $time = nano();

    return '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m",'
           . qq("gauge":{"dataPoints":[{"timeUnixNano":"$time","asInt":1}]}}]}]}]});
}


# Members of an OTLP request without a record, by signal.
our %Empty = (
    traces => '{"resourceSpans":[]}',
    metrics => '{"resourceMetrics":[]}',
    logs => '{"resourceLogs":[]}'
);

our $Counts = '{"accepted":0,"rejected":0,"errors":[]}';


# The body of a POST, gzipped; several make several members.
sub gzipped {
    my $all = '';

    for my $text (@_) {
        gzip \$text => \my $member;
        $all .= $member;
    }

    return $all;
}


sub with_length {
    my ($headers, $body) = @_;

    return "$headers\nContent-Length: " . length $body;
}


sub chunked {
    my ($text) = @_;

    return join '', map { sprintf("%x\r\n", length) . "$_\r\n" }
                    unpack('(a7)*', $text), '';
}


# --- answers -----------------------------------------------------------------

# google.rpc.Status, with more members.
sub status_json {
    my ($code, $message, $more) = @_;

    return qq({"code":$code,"message":"$message") . ($more // '') . '}';
}

sub native_json {
    my ($code, $message, $more) = @_;

    return status_json($code, $message,
                       ($more // '') . qq(,"detail":"$message"));
}

sub status_proto {
    my ($code, $message, $more) = @_;

    return pack('CC', 8, $code) . field(2, $message) . ($more // '');
}

# RetryInfo in both.
our $RetryType = 'type.googleapis.com/google.rpc.RetryInfo';

sub retry_json {
    return qq(,"details":[{"\@type":"$RetryType","retryDelay":"$_[0]s"}]);
}

sub retry_proto {
    return field(3, field(1, $RetryType)
                    . field(2, field(1, chr(8) . varint($_[0]))));
}


our $BadTrace = 'traceId: must be 16 bytes, not all zero';

our $NoKey = 'Invalid or missing API key.';
our $NoType =
    'Content-Type must be application/json or application/x-protobuf.';
our $NoEncoding =
    'Content-Encoding is not supported: send gzip, zstd or none.';
our $Over = 'Monthly event limit exceeded.';

our $Spent = account(events_limit => 0);
our $SpentKey = bearer(key($Spent));

our $Large = logs_json(3000, 'x' x 200);
our $LargeAccount = account();
our $LargeKey = bearer(key($LargeAccount));

our $ZstdAccount = account();
our $ZstdKey = bearer(key($ZstdAccount));

# Much of it, and little that much comes out of.
our @ZstdLarge = (zstd($Large =~ s/x{10}/sprintf '%010d', rand 1e10/ger,
                       '--no-content-size'),
                  zstd(logs_json(1, 'x') . ' ' x (10 << 20)));
die if length $ZstdLarge[0] < 8192 || length $ZstdLarge[1] > 8192;

our $Bomb = gzipped(' ' x 2_000_000);

# By 128 KiB for every 4 bytes.
our $ZstdBomb = "\x28\xb5\x2f\xfd\0\x38" . "\x02\x00\x10 " x 1000;

our @NotZstd = (
    'not zstd', gzipped('{}'), substr(zstd('{}'), 0, -1), zstd('{}') . 'x',
    zstd('{}') . "\0",

    # a window of 9 MiB, a dictionary, a single segment of 2 GiB, v0.7
    "\x28\xb5\x2f\xfd\0\x69\x11\0\0{}",
    "\x28\xb5\x2f\xfd\x21\x07\x02\x11\0\0{}",
    "\x28\xb5\x2f\xfd\xa0\0\0\0\x80\x11\0\0{}",
    "\x27\xb5\x2f\xfd\x20\0\xc0\0\0", ''
);

run_tests();

__DATA__

=== TEST 1: the paths, with and without a slash at the end
--- config
    location /api/v1/ { agentvista; }
    location /v1/ { agentvista; }
    location /otel/ { agentvista; }
    location /no-slash { agentvista; }
    location = /exact/v1/traces { agentvista; }
    location /named/v1/metrics { agentvista; }
    location ~ ^/tenant/.*/logs$ { agentvista; }
    location /v1/nested/ { agentvista; }
--- more_headers eval: $::Json
--- request eval
[map { my $path = $_; map { "POST $_\n{}" } $path, "$path/" } map { my $s = $_;
    map { "$_/$s" } '/api/v1/v1', '/v1', '/otel/v1', '/no-slash/v1' } @::Signals]
--- response_body eval
[map { '{}' } 1 .. 24]
--- error_code eval
[map { 200 } 1 .. 24]



=== TEST 2: the paths in other locations
--- config
    location = /exact/v1/traces { agentvista; }
    location /named/v1/metrics { agentvista; }
    location ~ ^/tenant/.*/logs/?$ { agentvista; }
    location /v1/nested/ { agentvista; }
    location / { agentvista; }
--- more_headers eval: $::Json
--- request eval
[map { "POST $_\n{}" } '/exact/v1/traces', '/named/v1/metrics',
 '/named/v1/metrics/', '/tenant/x/v1/logs', '/tenant/x/v1/logs/',
 '/v1/nested/v1/logs', '/v1/traces', '/api/v1/v1/traces']
--- response_body eval
[map { '{}' } 1 .. 8]
--- error_code eval
[map { 200 } 1 .. 8]



=== TEST 3: AgentVista's own paths tell counts, and want the signal's key
--- config eval: $::Api
--- more_headers eval: $::Json
--- request eval
[map { ("POST /api/v1/otlp/v1/$_\n$::Empty{$_}",
        "POST /api/v1/otlp/v1/$_/\n$::Empty{$_}",
        "POST /api/v1/otlp/v1/$_\n{}") } @::Signals]
--- response_body_like eval
[map { (qr/^\Q$::Counts\E$/, qr/^\Q$::Counts\E$/,
        qr/^\{"code":3,"message":"(resource[A-Z][a-z]+: [^"]+)","detail":"\1"\}$/)
     } @::Signals]
--- error_code eval
[map { (200, 200, 400) } @::Signals]



=== TEST 4: an empty protobuf body is an empty request, and so is its answer
--- config eval: "$::Api\n$::Standard"
--- more_headers eval: $::Proto
--- request eval
[map { ("POST /v1/$_", "POST /api/v1/otlp/v1/$_") } @::Signals]
--- response_headers eval
[map { "Content-Type: application/x-protobuf\nContent-Length: 0" } 1 .. 6]
--- response_body eval
[map { '' } 1 .. 6]
--- error_code eval
[map { 200 } 1 .. 6]



=== TEST 5: an empty JSON body is refused, and so is what is no object
--- config eval: "$::Api\n$::Standard"
--- more_headers eval: $::Json
--- request eval
[map { my $body = $_; map { "POST $_\n$body" } '/v1/traces', '/v1/metrics',
       '/v1/logs', '/api/v1/otlp/v1/traces' } '', '[]', '"x"', '{', '{} x']
--- response_body_like eval
[map { qr/^\{"code":3,"message":".+"/ } 1 .. 20]
--- error_code eval
[map { 400 } 1 .. 20]



=== TEST 6: media types, in any case, with parameters
--- config eval: $::Standard
--- more_headers eval
[map { "$::Key\nContent-Type: $_" } 'application/json',
 'application/json; charset=utf-8', 'Application/JSON;charset=UTF-8',
 'application/x-protobuf', 'application/X-Protobuf ; x=y',
 'application/protobuf']
--- request eval
[(map { "POST /v1/traces\n{}" } 1 .. 3), (map { "POST /v1/traces" } 1 .. 3)]
--- response_headers eval
[(map { "Content-Type: application/json" } 1 .. 3),
 (map { "Content-Type: application/x-protobuf" } 1 .. 3)]
--- error_code eval
[map { 200 } 1 .. 6]



=== TEST 7: other media types are 415 in JSON; without one it is JSON for AgentVista
--- config eval: "$::Api\n$::Standard"
--- more_headers eval
[(map { "$::Key\nContent-Type: $_" } 'text/plain', 'application/jsonx',
  'application/x-protobuf2', 'application/grpc', 'application/octet-stream'),
 $::Key, $::Key]
--- request eval
[(map { "POST /v1/traces\n{}" } 1 .. 6),
 "POST /api/v1/otlp/v1/traces\n$::Empty{traces}"]
--- response_body eval
[(map { main::status_json(3, $::NoType) } 1 .. 6), $::Counts]
--- error_code eval
[(map { 415 } 1 .. 6), 200]



=== TEST 8: content encodings that are undone
--- config eval: $::Standard
--- more_headers eval
my $gz = main::gzipped('{}');
[(map { main::with_length("$::Json\nContent-Encoding: $_", $gz) } 'gzip',
  'GZip', 'x-gzip'), (map { "$::Json\nContent-Encoding: $_" } 'identity', ''),
 main::with_length("$::Json\nContent-Encoding: gzip",
                   main::gzipped('{"resource', 'Spans":', '[]}')),
 main::with_length("$::Proto\nContent-Encoding: gzip", main::gzipped('')),
 "$::Proto\nContent-Encoding: gzip\nContent-Length: 0"]
--- request eval
my $gz = main::gzipped('{}');
[(map { "POST /v1/traces\n$gz" } 1 .. 3), (map { "POST /v1/traces\n{}" } 1, 2),
 "POST /v1/traces\n" . main::gzipped('{"resource', 'Spans":', '[]}'),
 "POST /v1/traces\n" . main::gzipped(''), "POST /v1/traces"]
--- response_body eval
[(map { '{}' } 1 .. 6), '', '']
--- error_code eval
[map { 200 } 1 .. 8]



=== TEST 9: content encodings that are not: 415 that names those
--- config eval: $::Standard
--- more_headers eval
[(map { "$::Json\nContent-Encoding: $_" } 'deflate', 'br', 'gzip, gzip',
  'zstd,identity', 'gz', 'zst'),
 "$::Json\nContent-Encoding: gzip\nContent-Encoding: gzip"]
--- request eval
[map { "POST /v1/logs\n{}" } 1 .. 7]
--- response_headers eval
[map { "Accept-Encoding: gzip, zstd" } 1 .. 7]
--- response_body eval
[map { main::status_json(3, $::NoEncoding) } 1 .. 7]
--- error_code eval
[map { 415 } 1 .. 7]



=== TEST 10: what is not gzip, or breaks off, is 400; a bomb is 413
--- config
    location /v1/ {
        agentvista;
        agentvista_inflated_limit 1m;
    }
--- more_headers eval
my $gz = main::gzipped('{}');
[main::with_length("$::Json\nContent-Encoding: gzip", 'not gzip'),
 main::with_length("$::Proto\nContent-Encoding: gzip", substr $gz, 0, -9),
 main::with_length("$::Json\nContent-Encoding: gzip", $::Bomb)]
--- request eval
my $gz = main::gzipped('{}');
["POST /v1/logs\nnot gzip", "POST /v1/logs\n" . substr($gz, 0, -9),
 "POST /v1/logs\n" . $::Bomb]
--- response_body eval
my $text = 'The body is not valid gzip, or it is truncated.';
[main::status_json(3, $text), main::status_proto(3, $text),
 main::status_json(8,
     'The body has more than 1048576 bytes after decompression.')]
--- error_code eval
[400, 400, 413]



=== TEST 11: chunked bodies, as stock exporters send them
--- config eval: $::Standard
--- more_headers eval
[map { "$_\nTransfer-Encoding: chunked" } $::Json, $::Proto, $::Json]
--- request eval
["POST /v1/traces\n" . main::chunked(main::traces_json(1, 2)),
 "POST /v1/traces\n" . main::chunked(main::traces_proto(1, 2)),
 "POST /v1/logs\n" . main::chunked('{}')]
--- response_body eval
['{}', '', '{}']
--- error_code eval
[200, 200, 200]



=== TEST 12: full and partial success, in the request's encoding
--- config eval: "$::Api\n$::Standard"
--- more_headers eval
[($::Json, $::Proto) x 4, $::Json]
--- request eval
[(map { ("POST /v1/traces\n" . main::traces_json(@$_),
         "POST /v1/traces\n" . main::traces_proto(@$_)) } [1, 2], [1, 0], [0, 0]),
 "POST /api/v1/otlp/v1/traces\n" . main::traces_json(1, 1, 0),
 "POST /api/v1/otlp/v1/traces\n" . main::traces_proto(1, 1, 0),
 "POST /v1/traces\n" . main::traces_json(1, (0) x 25)]
--- response_headers eval
[map { "Content-Type: application/$_" } ('json', 'x-protobuf') x 4, 'json']
--- response_body eval
my $two = "$::BadTrace (2 times)";
my $json = sub {
    qq("partialSuccess":{"rejectedSpans":"$_[0]","errorMessage":"$_[1]"}})
};
my $proto = sub {
    main::field(1, chr(8) . chr($_[0]) . main::field(2, $_[1]))
};
['{}', '', '{' . $json->(1, $::BadTrace), $proto->(1, $::BadTrace),
 '{' . $json->(2, $two), $proto->(2, $two),
 '{"accepted":2,"rejected":1,"errors":[{"index":2,"trace_id":null,"detail":"'
 . $::BadTrace . '"}],' . $json->(1, $::BadTrace), $proto->(1, $::BadTrace),
 '{' . $json->(25, "$::BadTrace (20 times); and 5 more")]
--- error_code eval
[map { 200 } 1 .. 9]



=== TEST 13: other methods are 405, told as OTLP tells errors
--- config eval: "$::Api\n$::Standard"
--- more_headers eval
[($::Json) x 4, $::Proto, $::Json, $::Proto]
--- request eval
["GET /api/v1/otlp/v1/traces", "PUT /api/v1/otlp/v1/traces/\n{}",
 "PATCH /api/v1/otlp/v1/logs\n{}", "DELETE /v1/logs", "PUT /v1/logs\nx",
 "OPTIONS /v1/logs", "HEAD /api/v1/otlp/v1/metrics"]
--- response_headers eval
[map { "Allow: POST" } 1 .. 7]
--- response_body eval
my $text = 'Method not allowed. Allowed: POST.';
[main::native_json(12, $text), main::native_json(12, $text),
 main::native_json(12, $text), main::status_json(12, $text),
 main::status_proto(12, $text), main::status_json(12, $text), '']
--- error_code eval
[map { 405 } 1 .. 7]



=== TEST 14: without a key, or with one that may not write
--- config eval: "$::Api\n$::Standard"
--- more_headers eval
["", "Content-Type: application/x-protobuf", "",
 "$::ReadKey\nContent-Type: application/json",
 "$::ReadKey\nContent-Type: application/protobuf"]
--- request eval
["POST /v1/logs\n{}", "POST /v1/logs\nx", "POST /api/v1/otlp/v1/logs\n{}",
 "POST /api/v1/otlp/v1/logs\n{}", "POST /v1/logs\nx"]
--- response_headers eval
[(map { "WWW-Authenticate: Bearer" } 1 .. 3),
 (map { 'WWW-Authenticate: Bearer error="insufficient_scope", scope="write"' }
  1, 2)]
--- response_body eval
my $scope = 'API key does not have the required scope.';
[main::status_json(16, $::NoKey), main::status_proto(16, $::NoKey),
 main::native_json(16, $::NoKey), main::native_json(7, $scope),
 main::status_proto(7, $scope)]
--- error_code eval
[401, 401, 401, 403, 403]



=== TEST 15: a bare key will do on the standard paths, and only there
--- config eval: "$::Api\n$::Standard"
--- more_headers eval
[map { "Authorization: $_\nContent-Type: application/json" } $::Bare,
 "$::Bare ", "Basic $::Bare", $::Bare, substr($::Bare, 0, 20)]
--- request eval
["POST /v1/traces\n{}", "POST /api/v1/v1/traces\n{}", "POST /v1/traces\n{}",
 "POST /api/v1/otlp/v1/traces\n{}", "POST /v1/traces\n{}"]
--- error_code eval
[200, 200, 401, 401, 401]



=== TEST 16: AgentMark's header must name the key's account
--- config eval: "$::Api\n$::Standard"
--- more_headers eval
my $other = AgentVista::uuid();
[map { "$::Json\n$_" } "X-Agentmark-App-Id: $::Account",
 "x-agentmark-app-id: app_$::Account", "X-Puzzlet-App-Id: $::Account",
 "X-Agentmark-App-Id: $::Account\nX-Puzzlet-App-Id: $other",
 "X-Agentmark-App-Id: $other", "X-Puzzlet-App-Id: $other",
 "X-Agentmark-App-Id: $other\nX-Puzzlet-App-Id: $::Account",
 "X-Agentmark-App-Id: ", "X-Agentmark-App-Id: app_"]
--- request eval
[map { "POST /v1/traces\n{}" } 1 .. 9]
--- response_body eval
my $text = 'The API key is not for this app.';
[(map { '{"success":true}' } 1 .. 4),
 (map { main::status_json(7, $text, qq(,"error":"$text")) } 1 .. 5)]
--- error_code eval
[(map { 200 } 1 .. 4), (map { 403 } 1 .. 5)]



=== TEST 17: AgentMark's header and free-text ids; partial success beside its own
--- config eval: $::Standard
--- more_headers eval
my $app = "X-Agentmark-App-Id: $::Account";
["$::Json\n$app", $::Json, "$::Json\n$app", "$::Proto\n$app"]
--- request eval
my $text = main::traces_json(1);
$text =~ s/"traceId":"\w+"/"traceId":"abc123"/;
$text =~ s/"spanId":"\w+"/"spanId":"span456"/;
[(map { "POST /v1/traces\n$text" } 1, 2),
 "POST /v1/traces\n" . $text =~ s/abc123//r, "POST /v1/traces"]
--- response_body_like eval
[qr/^\{"success":true\}$/,
 qr/^\{"partialSuccess":\{"rejectedSpans":"1","errorMessage":"[^"]+"\}\}$/,
 qr/^\{"success":true,"partialSuccess":\{"rejectedSpans":"1","errorMessage":"[^"]+"\}\}$/,
 qr/^$/]
--- error_code eval
[200, 200, 200, 200]



=== TEST 18: a body over the limit is 413, whether announced or chunked
--- config
    location /v1/ {
        agentvista;
        agentvista_body_limit 1k;
    }
    location /api/v1/ {
        agentvista;
        agentvista_body_limit 1k;
    }
--- more_headers eval
["$::Json\nContent-Length: 1025", "$::Proto\nTransfer-Encoding: chunked",
 "$::Json\nContent-Length: 1025"]
--- request eval
["POST /v1/logs\n" . "x" x 1025,
 "POST /v1/logs\n" . main::chunked("x" x 1025),
 "POST /api/v1/otlp/v1/logs\n" . "x" x 1025]
--- response_body eval
my $text = 'Request body too large.';
[main::status_json(8, $text), main::status_proto(8, $text),
 main::native_json(8, $text)]
--- error_code eval
[413, 413, 413]



=== TEST 19: the usual limit of a native batch is less than that of OTLP
--- config
    location /api/v1/ { agentvista; }
    lingering_timeout 50ms;
--- more_headers eval
["$::Json\nContent-Length: 16777217",
 "$::Json\nContent-Length: 67108865"]
--- request eval
["POST /api/v1/traces/batch\nx", "POST /api/v1/otlp/v1/traces\nx"]
--- response_body eval
['{"detail":"Request body too large."}',
 main::native_json(8, 'Request body too large.')]
--- error_code eval
[413, 413]



=== TEST 20: a spent quota is 429 on all of them, with Retry-After
--- config eval: "$::Api\n$::Standard"
--- more_headers eval
my $json = "$::SpentKey\nContent-Type: application/json";
my $proto = "$::SpentKey\nContent-Type: application/x-protobuf";
[($json) x 3, $proto, $json, "$json\nX-Agentmark-App-Id: $::Spent"]
--- request eval
["POST /v1/traces\n" . main::traces_json(1),
 "POST /v1/metrics\n" . main::metrics_json(),
 "POST /v1/logs\n" . main::logs_json(1, 'x'),
 "POST /v1/traces\n" . main::traces_proto(1),
 "POST /api/v1/otlp/v1/logs\n" . main::logs_json(1, 'x'),
 "POST /v1/traces\n" . main::traces_json(1)]
--- response_headers eval
[map { "Retry-After: 300" } 1 .. 6]
--- response_body eval
my $json = main::retry_json(300);
[(map { main::status_json(14, $::Over, $json) } 1 .. 3),
 main::status_proto(14, $::Over, main::retry_proto(300)),
 main::native_json(14, $::Over, $json),
 main::status_json('"SPAN_LIMIT_EXCEEDED"', $::Over,
                   qq($json,"error":"$::Over"))]
--- error_code eval
[map { 429 } 1 .. 6]



=== TEST 21: a body of one signal is not misread on the path of another
--- config eval: $::Standard
--- more_headers eval
[($::Json, $::Proto) x 2]
--- request eval
[map { ("POST /v1/$_\n" . main::traces_json(1),
        "POST /v1/$_\n" . main::traces_proto(1)) } 'logs', 'metrics']
--- response_body_like eval
[map { (qr/^\{"code":3,"message":"[^"]*traces/, qr/^\x08\x03\x12.*traces/s) }
 1, 2]
--- error_code eval
[map { 400 } 1 .. 4]



=== TEST 22: a POST to the API's base is told the right URLs, in its own type
--- config
    location /api/v1 { agentvista; }
--- more_headers eval
[$::Proto, $::Json]
--- request eval
["POST /api/v1\nx", "POST /api/v1/\n{}"]
--- response_body eval
my $text = 'Not found. Post OpenTelemetry data to /api/v1/otlp/v1/traces, '
    . 'metrics or logs, and batches of traces to /api/v1/traces/batch.';
[main::status_proto(12, $text), main::native_json(12, $text)]
--- error_code eval
[404, 404]



=== TEST 23: unknown paths are told of as OTLP tells errors
--- config eval: "$::Api\n$::Standard"
--- more_headers eval
[$::Json, $::Proto, $::Proto]
--- request eval
["POST /api/v1/otlp/v1/profiles\n{}", "POST /api/v1/otlp/v1/profiles\nx",
 "POST /api/v1/otlp/v1/traces/x\nx"]
--- response_body eval
[main::native_json(12, 'Not found.'), main::status_proto(12, 'Not found.'),
 main::status_proto(12, 'Not found.')]
--- error_code eval
[404, 404, 404]



=== TEST 24: while the database is away: 503 with Retry-After, never 500
--- http_config
    agentvista_database "host=127.0.0.1 port=1 user=nobody dbname=none";
    agentvista_zone 1m;
    agentvista_connect_timeout 200ms;
--- config
    location /api/v1/ { agentvista; agentvista_timeout 300ms; }
    location /v1/ { agentvista; agentvista_timeout 300ms; }
--- more_headers eval
[$::Json, $::Proto, $::Json]
--- request eval
["POST /v1/traces\n{}", "POST /v1/traces\nx", "POST /api/v1/otlp/v1/logs\n{}"]
--- response_headers eval
[map { "Retry-After: 2" } 1 .. 3]
--- response_body eval
my $text = 'The database is not available.';
[main::status_json(14, $text, main::retry_json(2)),
 main::status_proto(14, $text, main::retry_proto(2)),
 main::native_json(14, $text, main::retry_json(2))]
--- error_code eval
[503, 503, 503]
--- timeout: 15



=== TEST 25: nginx's own refusals look the same, and may be tried again
--- http_config
    limit_req_zone $server_name zone=one:1m rate=1r/m;
--- config
    location /v1/ {
        agentvista;
        limit_req zone=one;
    }
    location /v1/denied/ {
        agentvista;
        deny all;
    }
--- more_headers eval
[$::Json, $::Json, $::Proto, $::Proto]
--- request eval
["POST /v1/logs\n{}", "POST /v1/logs\n{}", "POST /v1/logs\nx",
 "POST /v1/denied/v1/logs\nx"]
--- response_body_like eval
my $text = 'Service temporarily unavailable.';
[qr//, qr/^\Q@{[main::status_json(14, $text, main::retry_json(1))]}\E$/,
 qr/^\Q@{[main::status_proto(14, $text, main::retry_proto(1))]}\E$/,
 qr/^\Q@{[main::status_proto(7, 'Access denied.')]}\E$/]
--- response_headers eval
["", "Retry-After: 1", "Retry-After: 1", ""]
--- error_code_like eval
[qr/200|503/, qr/503/, qr/503/, qr/403/]



=== TEST 26: large bodies, which threads decode, are stored as small ones are
--- config eval: $::Standard
--- more_headers eval
my $key = "$::LargeKey\nContent-Type: application/json";
[main::with_length($key, $::Large), "$key\nTransfer-Encoding: chunked",
 main::with_length("$key\nContent-Encoding: gzip", main::gzipped($::Large)),
 main::with_length($key, "$::Large x"),
 main::with_length("$key\nContent-Encoding: gzip",
                   substr main::gzipped($::Large), 0, -1)]
--- request eval
["POST /v1/logs\n$::Large", "POST /v1/logs\n" . main::chunked($::Large),
 "POST /v1/logs\n" . main::gzipped($::Large), "POST /v1/logs\n$::Large x",
 "POST /v1/logs\n" . substr main::gzipped($::Large), 0, -1]
--- response_body_filters eval
sub { return $_[0] . ' ' . AgentVista::value(
    "select count(*) from agentvista.logs"
    . " where account_id = '$::LargeAccount'") }
--- response_body_like eval
[(map { qr/^\{\} 3000$/ } 1 .. 3), (map { qr/^\{"code":3,.*\} 3000$/ } 1, 2)]
--- error_code eval
[200, 200, 200, 400, 400]
--- timeout: 15



=== TEST 27: a client that leaves while a thread decodes its body
--- config eval: $::Standard
--- more_headers eval
[main::with_length($::Json, $::Large), $::Json]
--- request eval
["POST /v1/logs\n$::Large", "POST /v1/logs\n{}"]
--- abort
--- timeout: 0.01
--- response_body_like eval
[qr//, qr/^(?:\{\})?$/]
--- error_code_like eval
[qr/^(?:200)?$/, qr/^(?:200)?$/]



=== TEST 28: zstd is undone: a frame, several, without its size, in a file
--- config
    location /v1/ { agentvista; }
    location /file/v1/ { agentvista; client_body_in_file_only clean; }
--- more_headers eval
my $frame = main::zstd('{}');
[(map { main::with_length("$::Json\nContent-Encoding: $_", $frame) }
  'zstd', 'ZStd'),
 main::with_length("$::Json\nContent-Encoding: zstd",
                   main::zstd('{"resource') . main::zstd('Spans":')
                   . "\x50\x2a\x4d\x18\x03\0\0\0abc" . main::zstd('[]}')),
 main::with_length("$::Json\nContent-Encoding: zstd",
                   main::zstd('{}', '--no-content-size', '-19')),
 main::with_length("$::Json\nContent-Encoding: zstd", $frame),
 "$::Json\nContent-Encoding: zstd\nTransfer-Encoding: chunked",
 main::with_length("$::Proto\nContent-Encoding: zstd", main::zstd('')),
 "$::Proto\nContent-Encoding: zstd\nContent-Length: 0"]
--- request eval
my $frame = main::zstd('{}');
[(map { "POST /v1/traces\n$frame" } 1, 2),
 "POST /v1/traces\n" . main::zstd('{"resource') . main::zstd('Spans":')
 . "\x50\x2a\x4d\x18\x03\0\0\0abc" . main::zstd('[]}'),
 "POST /v1/traces\n" . main::zstd('{}', '--no-content-size', '-19'),
 "POST /file/v1/traces\n$frame",
 "POST /v1/traces\n" . main::chunked(main::zstd(main::traces_json(1, 2))),
 "POST /v1/traces\n" . main::zstd(''), "POST /v1/traces"]
--- response_body eval
[(map { '{}' } 1 .. 6), '', '']
--- error_code eval
[map { 200 } 1 .. 8]



=== TEST 29: what is not zstd, or breaks off, or wants too much, is 400
--- config eval: $::Standard
--- more_headers eval
[map { main::with_length("$::Json\nContent-Encoding: zstd", $_) } @::NotZstd]
--- request eval
[map { "POST /v1/traces\n$_" } @::NotZstd]
--- response_body eval
[map { main::status_json(3,
    'The body is not valid zstd with a window of up to 8 MiB and no'
    . ' dictionary, or it is truncated.') } @::NotZstd]
--- error_code eval
[map { 400 } @::NotZstd]



=== TEST 30: a bomb of zstd is 413, in the event loop and in a thread
--- config
    location /v1/ { agentvista; agentvista_inflated_limit 1m; }
    location /large/v1/ { agentvista; agentvista_inflated_limit 20m; }
--- more_headers eval
[map { main::with_length("$::Json\nContent-Encoding: zstd", $::ZstdBomb) }
 1, 2]
--- request eval
["POST /v1/logs\n$::ZstdBomb", "POST /large/v1/logs\n$::ZstdBomb"]
--- response_body eval
[map { main::status_json(8,
    "The body has more than $_ bytes after decompression.") } 1048576,
    20971520]
--- error_code eval
[413, 413]



=== TEST 31: large bodies of zstd are stored, also those that are small at first
--- config eval: $::Standard
--- more_headers eval
my $key = "$::ZstdKey\nContent-Type: application/json\nContent-Encoding: zstd";
[map { main::with_length($key, $_) } @::ZstdLarge]
--- request eval
[map { "POST /v1/logs\n$_" } @::ZstdLarge]
--- response_body_filters eval
sub { return $_[0] . ' ' . AgentVista::value(
    "select count(*) from agentvista.logs"
    . " where account_id = '$::ZstdAccount'") }
--- response_body_like eval
[qr/^\{\} 300[01]$/, qr/^\{\} 3001$/]
--- error_code eval
[200, 200]
--- timeout: 15
