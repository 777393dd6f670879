# OTLP over gRPC (otlp.md 7), spoken by curl, which knows HTTP/2 but no gRPC:
# frames, trailers, status codes, also of errors from before the handler.

use strict;
use warnings;

use lib 't/lib';
use AgentVista;
use IO::Compress::Gzip qw(gzip);
use MIME::Base64 qw(decode_base64);
use PrivateNginx;
use Test::More;
use Time::HiRes qw(time);

PrivateNginx::guard(120);

my $account = account();
my $key = key($account);
my $spent = key(account(events_limit => 0));
my $reader = key(account(), scopes => 'read');

my $port = PrivateNginx::free_port();
my $away = PrivateNginx::free_port();
my $dir = $ENV{AGENTVISTA_TEST_DIR};
my $service = '/opentelemetry.proto.collector';

# "http2 on" is newer than the oldest nginx, "listen ... http2" is deprecated
# in the newest; both have it.
my $nginx = PrivateNginx->new(database => database(), workers => 1,
                              timeout => '3s', http => <<"END");
    agentvista_inflated_limit 1m;
    limit_req_zone \$binary_remote_addr zone=one:1m rate=1r/m;

    server {
        listen 127.0.0.1:$port http2;

        location /opentelemetry.proto.collector. { agentvista; }
        location /small/ { agentvista; agentvista_body_limit 1k; }
        location /limited/ { agentvista; limit_req zone=one; }
        location /denied/ { agentvista; deny all; }
        location /v1/ { agentvista; }
    }
END

ok($nginx->ready, 'ready');


# --- messages ----------------------------------------------------------------

sub varint {
    my ($n) = @_;

    my $bytes = '';

    while ($n >= 128) {
        $bytes .= chr($n & 127 | 128);
        $n >>= 7;
    }

    return $bytes . chr $n;
}

sub field {
    my ($number, $bytes) = @_;

    return chr($number << 3 | 2) . varint(length $bytes) . $bytes;
}

sub fixed64 { return pack 'CQ<', $_[0] << 3 | 1, $_[1] }


# Spans, one for each name; that of no name has a trace id of zeros.
sub traces {
    my $nano = int(time) . '000000000';

    my @spans = map {
        field(2, field(1, length $_ ? pack 'H32', uuid() =~ s/-//gr
                                    : "\0" x 16)
                 . field(2, pack 'H16', uuid() =~ s/-//gr)
                 . field(5, $_) . fixed64(7, $nano) . fixed64(8, $nano))
    } @_;

    return field(1, field(2, join '', @spans));
}

sub frame {
    my ($message, $flag) = @_;

    return pack('CN', $flag // 0, length $message) . $message;
}

sub gzipped {
    my ($text) = @_;

    gzip \$text => \my $out;

    return $out;
}


# --- calls -------------------------------------------------------------------

my $export = "$service.trace.v1.TraceService/Export";

# A call; headers are 'name: value'.  The answer has http, the status of HTTP;
# header and trailer; body.
sub call {
    my ($path, $body, @headers) = @_;

    my ($in, $head, $out) = map { "$dir/grpc-$$.$_" } qw(in head out);

    open my $file, '>:raw', $in or die "$in: $!";
    print $file $body;
    close $file;

    my $content = grep { /^content-type:/i } @headers;
    my @all = ('te: trailers', 'expect:', @headers,
               $content ? () : 'content-type: application/grpc');

    system('curl', '-s', '--max-time', 20, '--http2-prior-knowledge',
           '-D', $head, '-o', $out, '--data-binary', "\@$in",
           (map { ('-H', $_) } @all), "http://127.0.0.1:$port$path");

    my $code = $? >> 8;

    my ($headers, $trailers) = split /\n\n/, slurp($head) =~ s/\r//gr, 2;
    $headers //= '';

    my %answer = (curl => $code, body => slurp($out));
    ($answer{http}) = $headers =~ m{^HTTP/2 (\d+)};
    $answer{header} = fields($headers);
    $answer{trailer} = fields($trailers);
    $answer{status} = $answer{trailer}{'grpc-status'}
                      // $answer{header}{'grpc-status'};
    $answer{message} = $answer{trailer}{'grpc-message'}
                       // $answer{header}{'grpc-message'};

    unlink $in, $head, $out;

    return \%answer;
}

# Where nginx itself refuses a call it may reset the stream behind its answer,
# and it depends on the moment whether curl takes that for a failure.
sub patient_call {
    my $answer;

    for (1 .. 30) {
        $answer = call(@_);
        last if $answer->{curl} == 0;
    }

    return $answer;
}

sub slurp {
    my ($name) = @_;

    open my $file, '<:raw', $name or return '';
    local $/;

    return <$file> // '';
}

sub fields {
    return { map { /^([^:]+): (.*)/ ? (lc $1 => $2) : () }
             split /\n/, $_[0] // '' };
}

sub with {
    my ($key, @headers) = @_;

    return ("authorization: Bearer $key", @headers);
}


# One test: the call succeeds with this message.
sub accepted {
    my ($name, $answer, $message) = @_;

    is_deeply([@$answer{qw(curl http body)},
               $answer->{header}{'content-type'},
               $answer->{header}{'grpc-status'},
               $answer->{trailer}{'grpc-status'}],
              [0, 200, frame($message), 'application/grpc', undef, 0], $name)
        or diag(explain($answer));
}


# One test: it fails with this code and message, and no body.
sub refused {
    my ($name, $answer, $status, $message) = @_;

    is_deeply([@$answer{qw(curl http body status)},
               $answer->{header}{'content-type'}],
              [0, 200, '', $status, 'application/grpc'], $name)
        or diag(explain($answer));

    is($answer->{message}, $message, "$name: message") if defined $message;
}


# --- success -----------------------------------------------------------------

accepted("an empty $_->[0] request",
         call("$service.$_->[0].v1.$_->[1]Service/Export", frame(''),
              with($key)), '')
    for ['trace', 'Trace'], ['metrics', 'Metrics'], ['logs', 'Logs'];

accepted('two spans', call($export, frame(traces('a', 'b')), with($key)), '');

is(value("select count(*) from agentvista.spans where account_id ="
         . " '$account'"), 2, 'and they are stored');

accepted('the other content type',
         call($export, frame(''),
              with($key, 'content-type: application/grpc+proto')), '');

accepted('a bad span beside a good one is a partial success',
         call($export, frame(traces('a', '')), with($key)),
         field(1, chr(8) . chr(1)
                  . field(2, 'traceId: must be 16 bytes, not all zero')));

accepted('gzip', call($export, frame(gzipped(traces('a')), 1),
                      with($key, 'grpc-encoding: gzip')), '');

accepted('zstd', call($export, frame(zstd(traces('a')), 1),
                      with($key, 'grpc-encoding: zstd')), '');

accepted('gzip is allowed, but not used',
         call($export, frame(traces('a')),
              with($key, 'grpc-encoding: gzip')), '');

accepted('identity', call($export, frame(traces('a')),
                          with($key, 'grpc-encoding: identity')), '');

accepted('another location', call("/small$export", frame(''), with($key)), '');

accepted('a large message',
         call($export, frame(traces(map { 'x' x 50_000 } 1 .. 20)),
              with($key)), '');

accepted('a large compressed message',
         call($export, frame(gzipped(traces(map { rand } 1 .. 2000)), 1),
              with($key, 'grpc-encoding: gzip')), '');

accepted('the same of zstd',
         call($export, frame(zstd(traces(map { rand } 1 .. 2000)), 1),
              with($key, 'grpc-encoding: zstd')), '');

accepted('a timeout that is not passed',
         call($export, frame(traces('a')), with($key, 'grpc-timeout: 5S')),
         '');


# --- errors ------------------------------------------------------------------

my $no_key = 'Invalid or missing API key.';

refused('no key', call($export, frame('')), 16, $no_key);
refused('an unknown key', call($export, frame(''), with('av_x')), 16, $no_key);
refused('a bare key', call($export, frame(''), "authorization: $key"), 16,
        $no_key);
refused('a key that may not write', call($export, frame(''), with($reader)), 7,
        'API key does not have the required scope.');
refused('another app',
        call($export, frame(''), with($key, 'x-agentmark-app-id: other')), 7,
        'The API key is not for this app.');
refused('an unknown method',
        call("$service.trace.v1.TraceService/Import", frame(''), with($key)),
        12, 'Not found.');
refused('an unknown service', call("$service.x.v1.X/Export", frame(''),
                                   with($key)), 12, 'Not found.');

refused('no message', call($export, '', with($key)), 3,
        'The request has no message.');
refused('a frame cut off', call($export, "\0\0\0\0", with($key)), 3,
        'The request has no message.');
refused('a message cut off',
        call($export, substr(frame(traces('a')), 0, -1), with($key)), 3,
        'The message is truncated.');
refused('a length over 2 GB', call($export, "\0\xff\xff\xff\xffx",
                                   with($key)), 3, 'The message is truncated.');
refused('two messages', call($export, frame('') . frame(''), with($key)), 3,
        'The request has more than one message.');
refused('compressed without saying how',
        call($export, frame(gzipped(''), 1), with($key)), 3,
        'The message is compressed, but grpc-encoding does not say how.');
refused('an unknown flag',
        call($export, frame(gzipped(''), 2),
             with($key, 'grpc-encoding: gzip')), 3);
refused('not gzip', call($export, frame('x' x 30, 1),
                         with($key, 'grpc-encoding: gzip')), 3,
        'The body is not valid gzip, or it is truncated.');
refused('a bomb', call($export, frame(gzipped(' ' x 2_000_000), 1),
                       with($key, 'grpc-encoding: gzip')), 8,
        'The body has more than 1048576 bytes after decompression.');
refused('not zstd', call($export, frame(gzipped(''), 1),
                         with($key, 'grpc-encoding: zstd')), 3,
        'The body is not valid zstd with a window of up to 8 MiB and no'
        . ' dictionary, or it is truncated.');
refused('a bomb of zstd', call($export, frame(zstd(' ' x 2_000_000), 1),
                               with($key, 'grpc-encoding: zstd')), 8,
        'The body has more than 1048576 bytes after decompression.');
refused('not protobuf', call($export, frame("\xff" x 20), with($key)), 3);
refused('a message of another signal',
        call("$service.logs.v1.LogsService/Export", frame(traces('a')),
             with($key)), 3);

my $answer = call($export, frame(''), with($key, 'grpc-encoding: snappy'));

refused('an unknown compression', $answer, 12,
        'grpc-encoding is not supported: use gzip, zstd or none.');
is($answer->{header}{'grpc-accept-encoding'}, 'identity,gzip,zstd',
   'and what is known is named');

refused('too large', patient_call("/small$export", frame('x' x 1025),
                                  with($key)), 8, 'Request body too large.');

# What is up to a megabyte long is read to its end, so that there is no reset.
refused('no key, for a body that is still being sent',
        call($export, frame('x' x 900_000)), 16, $no_key);
refused('another app, for such a body',
        call($export, frame('x' x 900_000),
             with($key, 'x-agentmark-app-id: other')), 7);

refused("nginx's own refusal",
        patient_call("/denied$export", frame(''), with($key)), 7,
        'Access denied.');


# RetryInfo in a Status, for those that may be tried again.
sub retry {
    my ($name, $answer, $code, $seconds) = @_;

    my $bin = $answer->{header}{'grpc-status-details-bin'}
              // $answer->{trailer}{'grpc-status-details-bin'};

    unlike($bin, qr/=/, "$name: details are not padded");
    is(decode_base64($bin . '=' x (-length($bin) % 4)),
       chr(8) . chr($code) . field(2, $answer->{message})
       . field(3, field(1, 'type.googleapis.com/google.rpc.RetryInfo')
                  . field(2, field(1, chr(8) . varint($seconds)))),
       "$name: when to try again");
}

$answer = call($export, frame(traces('a')), with($spent));
refused('a spent quota', $answer, 14, 'Monthly event limit exceeded.');
retry('a spent quota', $answer, 14, 300);

call("/limited$export", frame(''), with($key));
$answer = patient_call("/limited$export", frame(''), with($key));
refused('limit_req', $answer, 14, 'Service temporarily unavailable.');
retry('limit_req', $answer, 14, 1);


# What is no gRPC is answered as plain HTTP.

$answer = call($export, '{}', with($key, 'content-type: application/json'));
is_deeply([$answer->{http}, $answer->{body}, $answer->{status}],
          [415, '{"code":3,"message":"Content-Type must be application/grpc,'
                . ' over HTTP/2."}', undef],
          'another content type is 415');

$answer = call('/v1/traces', frame(''), with($key));
is_deeply([@$answer{qw(http status)}], [415, undef],
          'and so is gRPC on the path of HTTP');

$answer = call('/v1/traces', '{}',
               with($key, 'content-type: application/json'));
is_deeply([@$answer{qw(http body status)}], [200, '{}', undef],
          'OTLP/HTTP works on the listener of gRPC, too');

is_deeply([grep { !/limiting requests|access forbidden|too large/ }
           $nginx->logged(qw(error crit alert emerg))], [],
          'nothing else in the error log');

ok($nginx->quit, 'quits');

done_testing();
