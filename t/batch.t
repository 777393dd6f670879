# POST /traces/batch end to end: agentvista.md 4.

use strict;
use warnings;

use lib 't/lib';
use AgentVista;
use IO::Compress::Gzip qw(gzip);
use JSON::PP;
use POSIX qw(strftime);
use Test::Nginx::Socket 'no_plan';

repeat_each(2);
no_root_location();

our $Account = account();
our $Key = bearer(key($Account));
our $Other = bearer(key(account()));
our $Post = "POST /api/v1/traces/batch\n";
our $Accepted = '{"accepted":1,"rejected":0,"errors":[]}';
our $Nothing = '{"accepted":0,"rejected":0,"errors":[]}';
our $Json = JSON::PP->new->utf8->canonical->allow_nonref;
our $Now = time - 3600;


sub same { return $_[0] }


# A fixed instant, and some seconds later.
sub at {
    return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($Now + $_[0]));
}


# A whole body around the JSON text of one element's header and spans.
sub body {
    my ($header, $spans) = @_;

    return qq({"traces":[{"trace":$header,"spans":) . ($spans // '[]') . '}]}';
}


# A header's and a span's JSON text with some members replaced or, by undef,
# removed; values are JSON texts.
sub members {
    my ($defaults, @changes) = @_;

    my %members = (%$defaults, @changes);

    return '{' . join(',', map { qq("$_":$members{$_}) }
                           grep { defined $members{$_} } sort keys %members)
           . '}';
}


our $TraceId = uuid();

sub header {
    return members({ trace_id => qq("$TraceId"), agent => '"a"',
                     started_at => '"' . at(0) . '"' }, @_);
}


sub one_span {
    return members({ span_id => qq("@{[uuid()]}"), name => '"s"',
                     started_at => '"' . at(0) . '"' }, @_);
}


sub detail {
    my ($text) = @_;

    return $Json->encode({ detail => $text });
}


sub rejected {
    my ($id, $detail) = @_;

    return '{"accepted":0,"rejected":1,"errors":[{"index":0,"trace_id":'
           . ($id // "\"$TraceId\"") . qq(,"detail":"$detail"}]});
}


# What refuses the request as a whole: body, detail, status.
our @Refused = (
    ['', qr/malformed JSON/],
    ['{', qr/malformed JSON at byte 1: /],
    ['not json', qr/malformed JSON at byte 0: /],
    ["{'traces':[]}", qr/malformed JSON at byte 1: /],
    ['{"traces":[]} x', qr/malformed JSON at byte 14: /],
    ['{"traces":[1,]}', qr/malformed JSON/],
    ['{"traces":[NaN]}', qr/malformed JSON/],
    ['{"traces":[01]}', qr/malformed JSON/],
    ['{"traces":["' . "\n" . '"]}', qr/malformed JSON/],
    [substr(body(header(), '[' . one_span() . ']'), 0, -2),
     qr/malformed JSON/],
    ['[' x 100_000, qr/^The body has too many values for its size/, 413],
    ['null', qr/^body must be a JSON object$/],
    ['[]', qr/^body must be a JSON object$/],
    ['"traces"', qr/^body must be a JSON object$/],
    ['17', qr/^body must be a JSON object$/],
    ['{}', qr/^traces: field required$/],
    ['{"trace":[]}', qr/^traces: field required$/],
    ['{"traces":null}', qr/^traces: field required$/],
    ['{"traces":{}}', qr/^traces: must be an array$/],
    ['{"traces":"x"}', qr/^traces: must be an array$/],
    ['{"traces":1}', qr/^traces: must be an array$/],
    ['{"traces":[],"traces":1}', qr/^traces: must be an array$/],
    [body(header(), '[' . join(',', map { one_span() } 1 .. 101) . ']'),
     qr/^traces: at most 100 spans in one request, got 101$/],
    ['{"traces":[' . join(',', map {
        '{"trace":' . header() . ',"spans":['
        . join(',', map { one_span() } 1 .. 51) . ']}' } 1 .. 2) . ']}',
     qr/^traces: at most 100 spans in one request, got 102$/],
    ['{"traces":[' . join(',', ('{}') x 1001) . ']}',
     qr/^traces: at most 1000 traces in one request, got 1001$/],
);

# What rejects one trace: the header's changes, or the spans; its detail.
our $LongAgent = '"' . 'x' x 256 . '"';
our $Deep = '[' x 70 . ']' x 70;
our @Headers = (
    [[trace_id => undef], 'trace_id: field required', 'null'],
    [[trace_id => 'null'], 'trace_id: field required', 'null'],
    [[trace_id => '7'], 'trace_id: must be a UUID', 'null'],
    [[trace_id => '"x"'], 'trace_id: must be a UUID', '"x"'],
    [[trace_id => "\"$TraceId-\""], 'trace_id: must be a UUID',
     "\"$TraceId-\""],
    [[agent => undef], 'agent: field required'],
    [[agent => '5'], 'agent: must be a string'],
    [[agent => '""'], 'agent: must not be blank'],
    [[agent => '"  \t "'], 'agent: must not be blank'],
    [[agent => '"\u0000"'], 'agent: must not be blank'],
    [[agent => $LongAgent], 'agent: must have at most 255 characters'],
    [[agent => undef, agent_name => '[]'], 'agent_name: must be a string'],
    [[status => '"done"'],
     'status: must be one of running, completed, failed, timed_out'],
    [[status => '1'],
     'status: must be one of running, completed, failed, timed_out'],
    [[started_at => undef], 'started_at: field required'],
    [[started_at => '"yesterday"'],
     'started_at: must be an ISO 8601 date and time'],
    [[started_at => '"2026-02-30T00:00:00Z"'],
     'started_at: must be an ISO 8601 date and time'],
    [[started_at => '1767225600'],
     'started_at: must be an ISO 8601 date and time'],
    [[ended_at => '"2026-01-01"'],
     'ended_at: must be an ISO 8601 date and time'],
    [[duration_ms => '-1'],
     'duration_ms: must be an integer from 0 to 9223372036854'],
    [[duration_ms => '1.5'],
     'duration_ms: must be an integer from 0 to 9223372036854'],
    [[duration_ms => '"1"'],
     'duration_ms: must be an integer from 0 to 9223372036854'],
    [[success => '"true"'], 'success: must be true or false'],
    [[success => '1'], 'success: must be true or false'],
    [[outcome => '{}'], 'outcome: must be a string'],
    [[total_tokens => '1e30'],
     'total_tokens: must be an integer from 0 to 9007199254740991'],
    [[total_tokens => 'true'],
     'total_tokens: must be an integer from 0 to 9007199254740991'],
    [[total_cost_usd => '"1,5"'], 'total_cost_usd: must be a decimal number'],
    [[total_cost_usd => '""'], 'total_cost_usd: must be a decimal number'],
    [[total_cost_usd => '"NaN"'], 'total_cost_usd: must be a decimal number'],
    [[total_cost_usd => '[]'], 'total_cost_usd: must be a decimal number'],
    [[total_cost_usd => '"-0.01"'], 'total_cost_usd: must not be negative'],
    [[total_cost_usd => '1e300'],
     'total_cost_usd: must have at most 12 integer digits'],
    [[error_message => '1'], 'error_message: must be a string'],
    [[metadata => '[]'], 'metadata: must be an object'],
    [[metadata => "{\"a\":$Deep}"], 'metadata: nested deeper than 64 levels'],
);
our @Spans = (
    ['{}', 'spans: must be an array', ''],
    ['["x"]', ': must be an object'],
    ['[{}]', '.span_id: field required'],
    [[span_id => '"x"'], '.span_id: must be a UUID'],
    [[trace_id => '"' . uuid() . '"'],
     ".trace_id: must be the trace's trace_id"],
    [[trace_id => '3'], '.trace_id: must be a UUID'],
    [[parent_span_id => '"0"'], '.parent_span_id: must be a UUID'],
    [[type => '5'], '.type: must be a string'],
    [[name => undef], '.name: field required'],
    [[name => '" "'], '.name: must not be blank'],
    [[status => '"ok"'],
     '.status: must be one of running, completed, failed, timed_out'],
    [[started_at => undef], '.started_at: field required'],
    [[ended_at => '0'], '.ended_at: must be an ISO 8601 date and time'],
    [[duration_ms => '[]'],
     '.duration_ms: must be an integer from 0 to 9223372036854'],
    [[model => 'false'], '.model: must be a string'],
    [[input_tokens => '-5'],
     '.input_tokens: must be an integer from 0 to 9007199254740991'],
    [[output_tokens => '0.1'],
     '.output_tokens: must be an integer from 0 to 9007199254740991'],
    [[total_tokens => '"7"'],
     '.total_tokens: must be an integer from 0 to 9007199254740991'],
    [[cost_usd => '"free"'], '.cost_usd: must be a decimal number'],
    [[cost_usd => '-1'], '.cost_usd: must not be negative'],
    [[error_message => '[]'], '.error_message: must be a string'],
    [[metadata => '"x"'], '.metadata: must be an object'],
    [[attributes => '"x"'], '.attributes: must be an object'],
    [[input => $Deep], '.input: nested deeper than 64 levels'],
);
our @Rejected = (
    (map { my ($changes, $detail, $id) = @$_;
           [body(header(@$changes)),
            rejected($id, "traces[0].trace.$detail")] } @Headers),
    (map { my ($changes, $detail) = @$_;
           my $spans = ref $changes ? '[' . one_span(@$changes) . ']'
                                    : $changes;
           my $place = $spans =~ /^\[/ ? 'traces[0].spans[0]' : 'traces[0].';
           [body(header(), $spans), rejected(undef, "$place$detail")] }
        @Spans),
    ['{"traces":[5]}', rejected('null', 'traces[0]: must be an object')],
    ['{"traces":[{}]}', rejected('null', 'traces[0].trace: field required')],
    ['{"traces":[{"trace":[]}]}',
     rejected('null', 'traces[0].trace: must be an object')],
);


# --- merging -----------------------------------------------------------------

# All orders of a list.
sub orders {
    return [] if !@_;

    return map {
        my @rest = @_;
        my ($first) = splice @rest, $_, 1;
        map { [$first, @$_] } orders(@rest);
    } 0 .. $#_;
}


# Requests that send headers to a trace of its own, in every order, and then
# read each trace; the answers to expect, of which members are shown.
sub merging {
    my ($parts, $expected) = @_;

    my (@requests, @filters, @bodies);

    for my $order (orders(@$parts)) {
        my $id = uuid();

        for my $part (@$order) {
            my ($header, @spans) = @$part;

            push @requests, $Post . $Json->encode({ traces => [
                { trace => { trace_id => $id, agent => 'a',
                             started_at => at(0), %$header },
                  spans => \@spans }]});
            push @filters, [\&same];
            push @bodies, $Accepted;
        }

        push @requests, "GET /api/v1/dashboard/traces/$id";
        push @filters, [sub {
            my $trace = $Json->decode($_[0]);
            return $Json->encode({ map { $_ => $trace->{$_} } keys %$expected });
        }];
        push @bodies, $Json->encode($expected);
    }

    return { requests => \@requests, filters => \@filters,
             bodies => \@bodies };
}


our $T = JSON::PP::true;
our $F = JSON::PP::false;

# A running report and a later terminal one.
our $Running = merging(
    [[{ status => 'running', outcome => 'early', total_tokens => 5,
        metadata => { from => 'start' } }],
     [{ status => 'failed', ended_at => at(5), success => $F,
        total_cost_usd => '1.5', error_message => 'no' }]],
    { status => 'failed', ended_at => at(5), duration_ms => 5000,
      success => $F, outcome => 'early', total_tokens => 5,
      total_cost_usd => 1.5, error_message => 'no',
      metadata => { from => 'start' } });

# The callee's agent and the caller's: whoever started earlier owns it.
our $Caller = merging(
    [[{ agent => 'callee', started_at => at(3), ended_at => at(4),
        success => $F, outcome => 'part', total_tokens => 1 }],
     [{ agent => 'caller', started_at => at(1), ended_at => at(6),
        success => $T, outcome => 'whole', total_tokens => 9 }],
     [{ agent => 'third', started_at => at(2), status => 'running' }]],
    { agent_name => 'caller', started_at => at(1), ended_at => at(6),
      success => $T, outcome => 'whole', total_tokens => 9,
      status => 'completed' });

# Spans join, and a span that runs is replaced by its end.
our @SpanIds = map { uuid() } 1 .. 2;
our %Whole = (span_id => $SpanIds[0], name => 's', started_at => at(1));
our $Joined = merging(
    [[{}, { %Whole, status => 'running', model => 'm' }],
     [{}, { %Whole, status => 'timed_out', ended_at => at(2),
            parent_span_id => $SpanIds[1] }],
     [{}, { span_id => $SpanIds[1], name => 't', started_at => at(2),
            type => 'llm', cost_usd => '0.1', total_tokens => 4 }]],
    { total_tokens => 4, total_cost_usd => 0.1, status => 'completed' });
our $JoinedSpans = {
    %$Joined,
    filters => [map { [$_->[0] == \&same ? \&same : sub {
        my $trace = $Json->decode($_[0]);
        return join ' ', map { $_ // 'null' } map {
            @$_{qw(name status model duration_ms)},
            $_->{parent_span_id} ? 'child' : 'root' } @{$trace->{spans}};
    }] } @{$Joined->{filters}}],
    bodies => [map { $_ eq $Accepted ? $_
                     : 's timed_out m 1000 child t completed null null root' }
               @{$Joined->{bodies}}],
};


# --- what is stored ----------------------------------------------------------

# A filter that shows a query's result after the answer.
sub then_sql {
    my ($text) = @_;

    return sub { return "$_[0]\n" . AgentVista::sql($text) };
}


our $SplitId = uuid();
our $SplitAccount = account();
our $SplitKey = bearer(key($SplitAccount));
our @Split = map {
    my $n = $_;
    batch(trace({ trace_id => $SplitId },
                map { span(span_id => sprintf(
                    '00000000-0000-4000-8000-%06d%06d', $n, $_)) } 1 .. 100))
} 1 .. 3;

our $RepeatAccount = account();
our $RepeatKey = bearer(key($RepeatAccount));
our $RepeatSpan = span();
our $Repeat = batch(trace({}, $RepeatSpan, span(), $RepeatSpan));

our $PoisonAccount = account();
our $PoisonKey = bearer(key($PoisonAccount));
our @PoisonTraces = map { trace({}, span()) } 1 .. 5;
$PoisonTraces[1]{trace}{status} = 'odd';
$PoisonTraces[3]{spans}[0]{started_at} = 'odd';
our $Poison = batch(@PoisonTraces);

our $TextsAccount = account();
our $TextsKey = bearer(key($TextsAccount));
our $TextsId = uuid();

sub texts {
    my ($header, $span) = @_;

    return body(header(trace_id => qq("$TextsId"), %$header),
                '[' . one_span(span_id => qq("$TextsId"), %$span) . ']');
}

our $WindowAccount = account();
our $WindowKey = bearer(key($WindowAccount));

sub at_day {
    return '"' . strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + 86400 * $_[0]))
           . '"';
}

our $Big = batch(trace({}, map { span(output => 'x' x 20_000) } 1 .. 30));
our $Gzip;
gzip(\$Big => \$Gzip) or die;
our $Bomb;
gzip(\('{"traces":[],"x":"' . ' ' x 3_000_000 . '"}') => \$Bomb) or die;
our $Zstd = zstd($Big);
our $ZstdBomb = zstd('{"traces":[],"x":"' . ' ' x 3_000_000 . '"}');
our $Chunked = join '', map {
    sprintf("%x\r\n%s\r\n", length, $_) } $Big =~ /(.{1,7777})/gs, '';

run_tests();

__DATA__

=== TEST 1: what is no batch is refused as a whole, with the reason
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
[map { $::Post . $_->[0] } @::Refused]
--- response_body_filters eval
[map { [sub { $::Json->decode($_[0])->{detail} }] } @::Refused]
--- response_body_like eval
[map { $_->[1] } @::Refused]
--- response_headers eval
[map { "Content-Type: application/json" } @::Refused]
--- error_code eval
[map { $_->[2] // 400 } @::Refused]



=== TEST 2: what is no trace is rejected by index, id and field
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
[map { $::Post . $_->[0] } @::Rejected]
--- response_body eval
[map { $_->[1] } @::Rejected]



=== TEST 3: an empty array succeeds, and so does a trace without spans
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
[$::Post . '{"traces":[]}', $::Post . main::body(main::header()),
 $::Post . '{"traces":[{"trace":' . main::header() . '}]}',
 $::Post . '{"traces":[{"trace":' . main::header() . ',"spans":null}]}',
 $::Post . '{"extra":1,"traces":[{"trace":' . main::header(x => '[1]')
         . ',"y":{}}]}']
--- response_body eval
[$::Nothing, map { $::Accepted } 1 .. 4]



=== TEST 4: 100 spans, and 1000 traces, are not too many
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
[$::Post . main::body(main::header(), '[' . CORE::join(',', map {
    main::one_span() } 1 .. 100) . ']'),
 $::Post . '{"traces":[' . CORE::join(',', map {
    '{"trace":' . main::header(trace_id => '"' . AgentVista::uuid() . '"')
    . '}' } 1 .. 1000) . ']}']
--- response_body eval
[$::Accepted, '{"accepted":1000,"rejected":0,"errors":[]}']



=== TEST 5: bad traces are rejected one by one, their neighbours are stored
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::PoisonKey
--- request eval: [$::Post . $::Poison]
--- response_body_filters eval
[[main::then_sql("select count(*), sum(span_count), (select count(*)"
  . " from agentvista.spans where account_id = '$::PoisonAccount')"
  . " from agentvista.traces where account_id = '$::PoisonAccount'")]]
--- response_body eval
[qq({"accepted":3,"rejected":2,"errors":[{"index":1,"trace_id":"$::PoisonTraces[1]{trace}{trace_id}","detail":"traces[1].trace.status: must be one of running, completed, failed, timed_out"},{"index":3,"trace_id":"$::PoisonTraces[3]{trace}{trace_id}","detail":"traces[3].spans[0].started_at: must be an ISO 8601 date and time"}]}\n3\t3\t3)]



=== TEST 6: a trace may be split over requests, and sent again
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::SplitKey
--- request eval
[(map { $::Post . $_ } @::Split, @::Split[2, 0]), "GET /api/v1/me/usage"]
--- response_body_filters eval
[(map { [\&main::same] } 1 .. 4),
 [main::then_sql("select span_count, (select count(*) from agentvista.spans"
  . " where account_id = '$::SplitAccount') from agentvista.traces"
  . " where account_id = '$::SplitAccount'")], [\&main::same]]
--- response_body_like eval
[(map { qr/^\Q$::Accepted\E/ } 1 .. 4), qr/^\Q$::Accepted\E\n300\t300$/,
 qr/"events_used" : 300,/]



=== TEST 7: a span that is twice in a request is stored and counted once
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::RepeatKey
--- request eval
[$::Post . $::Repeat, "GET /api/v1/me/usage"]
--- response_body_filters eval
[[main::then_sql("select span_count, (select count(*) from agentvista.spans"
  . " where account_id = '$::RepeatAccount') from agentvista.traces"
  . " where account_id = '$::RepeatAccount'")], [\&main::same]]
--- response_body_like eval
[qr/^\Q$::Accepted\E\n2\t2$/, qr/"events_used" : 2,/]



=== TEST 8: a running report and a terminal one make the same trace in any order
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval: $::Running->{requests}
--- response_body_filters eval: $::Running->{filters}
--- response_body eval: $::Running->{bodies}



=== TEST 9: of several agents the one that started first owns the trace
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval: $::Caller->{requests}
--- response_body_filters eval: $::Caller->{filters}
--- response_body eval: $::Caller->{bodies}



=== TEST 10: spans join their trace in any order, and totals follow
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval: $::Joined->{requests}
--- response_body_filters eval: $::Joined->{filters}
--- response_body eval: $::Joined->{bodies}



=== TEST 11: a running span is completed by its end, whichever comes first
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval: $::JoinedSpans->{requests}
--- response_body_filters eval: $::JoinedSpans->{filters}
--- response_body eval: $::JoinedSpans->{bodies}



=== TEST 12: the first of two terminal reports wins
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
[map { my $id = AgentVista::uuid();
       ((map { $::Post . main::body(main::header(trace_id => "\"$id\"", @$_)) }
           [status => '"completed"', outcome => '"first"'],
           [status => '"failed"', outcome => '"second"', total_tokens => 7],
           [status => '"running"', success => 'true']),
        "GET /api/v1/dashboard/traces/$id") } 1]
--- response_body_like eval
[(map { qr/^\Q$::Accepted\E$/ } 1 .. 3),
 qr/"status" : "completed".*"success" : true, "outcome" : "first", "error_message" : null, "total_tokens" : null/]



=== TEST 13: gzip, zstd, chunked, in pieces, in a file: all the same
--- config
    client_body_timeout 5s;
    location /api/v1/ { agentvista; }
    location /file/api/v1/ { agentvista; client_body_in_file_only clean; }
--- more_headers eval
["$::Key\nContent-Length: " . length($::Big),
 "$::Key\nContent-Encoding: gzip\nContent-Length: " . length($::Gzip),
 "$::Key\nTransfer-Encoding: chunked",
 "$::Key\nContent-Length: " . length($::Big),
 "$::Key\nContent-Encoding: GZIP\nContent-Length: " . length($::Gzip),
 (map { "$::Key\nContent-Encoding: zstd\nContent-Length: "
        . length($::Zstd) } 1, 2)]
--- request eval
[$::Post . $::Big, $::Post . $::Gzip, $::Post . $::Chunked,
 [$::Post, (map { { value => $_, delay_before => 0.01 } }
            $::Big =~ /(.{1,50000})/gs)],
 "POST /file/api/v1/traces/batch\n" . $::Gzip,
 $::Post . $::Zstd, "POST /file/api/v1/traces/batch\n" . $::Zstd]
--- response_body eval
[map { $::Accepted } 1 .. 7]



=== TEST 14: what is not gzip or zstd, or breaks off, is 400
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval
["$::Key\nContent-Encoding: gzip\nContent-Length: " . length($::Big),
 "$::Key\nContent-Encoding: gzip\nContent-Length: " . (length($::Gzip) - 9),
 "$::Key\nContent-Encoding: gzip\nContent-Length: " . (length($::Gzip) + 3),
 "$::Key\nContent-Encoding: gzip\nContent-Length: 0",
 "$::Key\nContent-Encoding: zstd\nContent-Length: " . length($::Gzip),
 "$::Key\nContent-Encoding: zstd\nContent-Length: " . (length($::Zstd) - 9),
 "$::Key\nContent-Encoding: zstd\nContent-Length: " . (length($::Zstd) + 3),
 "$::Key\nContent-Encoding: zstd\nContent-Length: 0"]
--- request eval
[$::Post . $::Big, $::Post . substr($::Gzip, 0, -9), $::Post . $::Gzip . "xyz",
 $::Post, $::Post . $::Gzip, $::Post . substr($::Zstd, 0, -9),
 $::Post . $::Zstd . "xyz", $::Post]
--- response_body_like eval
[(map { qr/"detail":"The body is not valid gzip, or it is truncated\."/ }
    1 .. 4),
 (map { qr/"detail":"The body is not valid zstd with .*, or it is truncated\."/ }
    1 .. 4)]
--- error_code eval
[map { 400 } 1 .. 8]



=== TEST 15: a bomb is 413, however small it arrives
--- config
    location /api/v1/ {
        agentvista;
        agentvista_inflated_limit 1m;
    }
--- more_headers eval
["$::Key\nContent-Encoding: gzip\nContent-Length: " . length($::Bomb),
 "$::Key\nContent-Encoding: zstd\nContent-Length: " . length($::ZstdBomb)]
--- request eval
[$::Post . $::Bomb, $::Post . $::ZstdBomb]
--- response_body eval
[map {
    main::detail("The body has more than 1048576 bytes after decompression.")
} 1, 2]
--- error_code eval
[413, 413]



=== TEST 16: a body over its limit is 413 in JSON
--- config
    location /api/v1/ {
        agentvista;
        agentvista_body_limit 1k;
    }
--- more_headers eval
["$::Key\nContent-Length: 1025", "$::Key\nTransfer-Encoding: chunked",
 $::Key]
--- request eval
[$::Post . "x" x 1025, $::Post . $::Chunked, $::Post . '{"traces":[]}']
--- response_body_like eval
[qr/^\{"detail":"Request body too large\."\}$/,
 qr/^\{"detail":"Request body too large\."\}$/, qr/^\Q$::Nothing\E$/]
--- error_code eval: [413, 413, 200]



=== TEST 17: other media types and encodings are 415
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval
["$::Key\nContent-Type: text/plain",
 "$::Key\nContent-Type: application/x-protobuf",
 "$::Key\nContent-Type: application/jsonx",
 "$::Key\nContent-Encoding: br", "$::Key\nContent-Encoding: deflate",
 "$::Key\nContent-Type: application/json",
 "$::Key\nContent-Type: Application/JSON; charset=utf-8",
 "$::Key\nContent-Encoding: identity", $::Key]
--- request eval
[map { $::Post . '{"traces":[]}' } 1 .. 9]
--- response_body eval
[(map { main::detail("Content-Type must be application/json.") } 1 .. 3),
 (map { main::detail("Content-Encoding is not supported: send gzip, zstd or none.") }
    1 .. 2), map { $::Nothing } 1 .. 4]
--- error_code eval
[(map { 415 } 1 .. 5), map { 200 } 1 .. 4]



=== TEST 18: a body that the client breaks off stores nothing
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval
["$::Key\nContent-Length: " . (length($::Big) + 1), $::Key]
--- request eval
[$::Post . $::Big, "GET /api/v1/me/api-keys/ping/"]
--- abort
--- timeout: 1.5
--- response_body eval
["", '{"status":"ok"}']
--- error_code eval
["", 200]



=== TEST 19: NUL, lone surrogates and bad UTF-8 are stored as text can be
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::TextsKey
--- request eval
[$::Post . main::texts({ agent => '"a\u0000b"', outcome => "\"\xff\xc3(\"",
    metadata => '{"k\u0000":"\ud800x\udc00","\ud83d\ude00":"\u0000"}' },
    { name => "\"\xf0\x9f\x98\x80\xe4\xb8\"", output => '"\ud83d\u0000"',
      error_message => '"\u0001\t\u001f"', input => '["\u0000"]' }),
 "GET /api/v1/dashboard/traces/$::TextsId"]
--- response_body_filters eval
[[\&main::same], [sub { my $t = $::Json->decode($_[0]);
    $::Json->encode([@$t{qw(agent_name outcome metadata)},
                     @{$t->{spans}[0]}{qw(name output error_message input)}])}]]
--- response_body eval
[$::Accepted, $::Json->encode(["ab", "\x{fffd}\x{fffd}(",
    { k => "\x{fffd}x\x{fffd}", "\x{1f600}" => "" },
    "\x{1f600}\x{fffd}", "\x{fffd}", "\x01\t\x1f", [""]])]



=== TEST 20: of duplicate keys the last one counts
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::TextsKey
--- request eval
[map { my $id = AgentVista::uuid();
    ($::Post . '{"traces":[],"traces":[{"trace":{"trace_id":"x","trace_id":"'
     . $id . '","agent":"no","started_at":"' . main::at(0)
     . '","agent":"yes","metadata":{"a":1,"a":2}},"spans":['
     . main::one_span(metadata => '{"b":1,"b":2}') . ']}]}',
     "GET /api/v1/dashboard/traces/$id") } 1]
--- response_body_like eval
[qr/^\Q$::Accepted\E/,
 qr/"agent_name" : "yes".*"metadata" : \{"a": 2\}.*"metadata":\{[^}]*"b":2\}/]



=== TEST 21: numbers keep their digits, however long, and money too
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::TextsKey
--- request eval
[map { my $id = AgentVista::uuid();
    ($::Post . main::body(main::header(trace_id => "\"$id\"",
        total_cost_usd => '123456789012.123456789',
        total_tokens => '9007199254740991', duration_ms => '5.0',
        metadata => '{"n":123456789012345678901234567890.125,"e":1e999}'),
        '[' . main::one_span(cost_usd => '"1e-6"', input_tokens => '1e3',
                       output => '[0.1,1E400]') . ']'),
     "GET /api/v1/dashboard/traces/$id") } 1]
--- response_body_like eval
[qr/^\Q$::Accepted\E/,
 qr/"duration_ms" : 5,.*"total_tokens" : 9007199254740991, "total_cost_usd" : 123456789012\.123456789,.*"n": 123456789012345678901234567890\.125.*"input_tokens":1000,.*"cost_usd":0\.000001,.*"output":\[0\.1,/s]



=== TEST 22: long texts are cut at a character and marked, nothing else is lost
--- config
    location /api/v1/ {
        agentvista;
        agentvista_attribute_limit 64;
    }
--- more_headers eval: $::TextsKey
--- request eval
[map { my $id = AgentVista::uuid();
    ($::Post . main::body(main::header(trace_id => "\"$id\"",
        outcome => '"' . "\xe2\x82\xac" x 40 . '"'),
        '[' . main::one_span(output => '"' . "y" x 1000 . '"',
            error_message => '"short"',
            metadata => '{"deep":{"text":"' . "z" x 70 . '"}}')
        . ',' . main::one_span(name => '"neighbour"', output => '"whole"') . ']'),
     "GET /api/v1/dashboard/traces/$id") } 1]
--- response_body_filters eval
[[\&main::same], [sub { my $t = $::Json->decode($_[0]);
    my ($s, $n) = @{$t->{spans}};
    $::Json->encode([length $t->{outcome}, $t->{truncated},
        length $s->{output}, length $s->{metadata}{deep}{text},
        $s->{error_message}, $s->{truncated}, $n->{output},
        $n->{truncated}]) }]]
--- response_body eval
[$::Accepted, $::Json->encode([21, { outcome => 120 }, 64, 64, "short",
    { output => 1000, "metadata.deep" => 70 }, "whole", undef])]



=== TEST 23: what starts outside the retained window is rejected, and says so
--- config
    location /api/v1/ { agentvista; }
--- http_config
    agentvista_retention 7d;
    agentvista_ahead 1d;
--- more_headers eval: $::WindowKey
--- request eval
[map { $::Post . main::body(main::header(started_at => main::at_day($_))) }
    -9, -6, 0.9, 1.1]
--- response_body_like eval
[qr/"accepted":0.*traces\[0\]\.trace\.started_at: \S+ is outside the window that is kept \(\S+ to \S+\)/,
 qr/^\Q$::Accepted\E/, qr/^\Q$::Accepted\E/, qr/"accepted":0.*outside the window/]



=== TEST 24: aliases and defaults
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
[map { my $id = AgentVista::uuid();
    ($::Post . main::body(main::header(trace_id => '"' . uc($id =~ s/-//gr) . '"',
        agent => undef, agent_name => '"alias"', attributes => '{"h":1}',
        ended_at => '"' . main::at(2) . '"'),
        '[' . main::one_span(attributes => '{"s":1}', type => '"gadget"',
            trace_id => '"' . uc($id) . '"', input_tokens => 3,
            output_tokens => 4, ended_at => '"' . main::at(1) . '"') . ']'),
     "GET /api/v1/dashboard/traces/$id") } 1]
--- response_body_filters eval
[[\&main::same], [sub { my $t = $::Json->decode($_[0]);
    $::Json->encode([@$t{qw(agent_name status metadata duration_ms success)},
        @{$t->{spans}[0]}{qw(type status metadata total_tokens
                             duration_ms)}]) }]]
--- response_body eval
[$::Accepted, $::Json->encode(["alias", "completed", { h => 1 }, 2000, undef,
    "custom", "completed", { s => 1, "agentvista.original_type" => "gadget" },
    7, 1000])]



=== TEST 25: times with offsets and many digits are one instant, in UTC
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval: $::Key
--- request eval
[map { my $id = AgentVista::uuid(); my $t = substr main::at(0), 0, 19;
    ($::Post . main::body(main::header(trace_id => "\"$id\"",
        started_at => "\"$t.1234567891+00:00\"",
        ended_at => "\"$t\""),
        '[' . CORE::join(',', map { main::one_span(started_at => "\"$_\"") }
            "$t-00:00", "$t.5Z", $t =~ s/T/ /r . ".250") . ']'),
     "GET /api/v1/dashboard/traces/$id") } 1]
--- response_body_filters eval
[[\&main::same], [sub { my $t = $::Json->decode($_[0]);
    my $prefix = substr main::at(0), 0, 19;
    CORE::join ' ', map { s/^\Q$prefix\E//r } $t->{started_at}, $t->{ended_at},
                    map { $_->{started_at} } @{$t->{spans}} }]]
--- response_body eval
[$::Accepted, ".123456Z Z Z .250Z .500Z"]



=== TEST 26: the same ids under two accounts do not meet
--- config
    location /api/v1/ { agentvista; }
--- more_headers eval
[$::Key, $::Other]
--- request eval
[map { my $batch = main::body(main::header(), '[' . main::one_span(
    span_id => '"00000000-0000-4000-8000-0000000000ff"') . ']');
    ($::Post . $batch, $::Post . $batch) } 1]
--- response_body_filters eval
[[\&main::same], [main::then_sql("select count(*) from agentvista.spans"
    . " where trace_id = '$::TraceId'"
    . " and span_id = '00000000-0000-4000-8000-0000000000ff'")]]
--- response_body eval
[$::Accepted, "$::Accepted\n2"]
