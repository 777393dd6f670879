# GET /v1/traces/{traceId}: agentmark.md 3, and its acceptance checks.

use strict;
use warnings;

use lib 't/lib';
use AgentMark;
use AgentVista qw(sql uuid);
use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP;
use PrivateNginx;
use Test::More;

PrivateNginx::guard(120);

my $server = AgentMark->new(http => "    gzip on;\n"
                                    . "    gzip_types application/json;\n"
                                    . "    gzip_http_version 1.0;\n");
my $app = $server->app;
my $other = $server->app;


# The trace of the contract: a root and a model call.
sub documented {
    my ($trace, $start) = @_;

    return (
        span(trace => $trace, id => '00f067aa0ba902b7', start => $start,
             name => 'answer-question', ms => 2100.25,
             attributes => { 'agentmark.input' => 'question',
                             'agentmark.output' => 'answer' }),
        span(trace => $trace, id => '53995c3f42cd8ad8', kind => 3,
             parent => '00f067aa0ba902b7', name => 'chat gpt-4o-mini',
             start => $start + 150_000_000, ms => 1800.5,
             attributes => { 'gen_ai.operation.name' => 'chat',
                             'gen_ai.request.model' => 'gpt-4o-mini',
                             'gen_ai.usage.input_tokens' => 250,
                             'gen_ai.usage.output_tokens' => 60,
                             'gen_ai.usage.cost' => 0.0041,
                             'agentmark.input' => '[{"role":"user"}]',
                             'agentmark.output' => 'fine' }),
    );
}


# What of a trace the contract shows; the rest is allowed.
sub seed {
    my ($json) = @_;

    my %trace = %{ $json->{trace} };

    $trace{spans} = [map {
        my %span = %$_;
        my %data = %{ $span{data} };

        $span{data} = { map { $_ => $data{$_} } grep { exists $data{$_} }
                        qw(type model inputTokens outputTokens cost input
                           output) };
        \%span;
    } @{ $trace{spans} }];

    return canonical({ trace => \%trace });
}


my $id = hex_id(32);
my $start = now_ns(-100);
my $ms = $start / 1_000_000;

$app->send(documented($id, $start));

my $expected = canonical({ trace => {
    id => $id, name => 'answer-question',
    data => { id => $id, name => 'answer-question', status => '1',
              latency => 2100.25, cost => 0.0041, tokens => 310,
              start => $ms, end => $ms + 2100 },
    spans => [
        { id => '00f067aa0ba902b7', name => 'answer-question',
          duration => 2100.25, timestamp => $ms, traceId => $id,
          status => '1',
          data => { type => 'SPAN', input => 'question',
                    output => 'answer' } },
        { id => '53995c3f42cd8ad8', name => 'chat gpt-4o-mini',
          duration => 1800.5, parentId => '00f067aa0ba902b7',
          timestamp => $ms + 150, traceId => $id, status => '1',
          data => { type => 'GENERATION', model => 'gpt-4o-mini',
                    inputTokens => 250, outputTokens => 60, cost => 0.0041,
                    input => '[{"role":"user"}]', output => 'fine' } },
    ] } });


subtest '1: the documented trace gives the documented answer' => sub {
    my $answer = $app->get("/v1/traces/$id");

    is($answer->{status}, 200, 'status');
    is($answer->{header}{'content-type'}, 'application/json', 'type');
    is($answer->{header}{'cache-control'}, 'no-store', 'not to be cached');
    is(seed($answer->{json}), $expected, 'body');

    my $data = $answer->{json}{trace}{spans}[1]{data};

    is($data->{totalTokens}, 310, 'total tokens');
    is($data->{spanKind}, '3', 'kind');
    is($data->{serviceName}, 'tester', 'service');
    is($data->{duration}, 1800.5, 'duration');
    is($data->{status}, '1', 'status');
    is(decode_json($data->{attributes})->{'gen_ai.usage.input_tokens'}, 250,
       'attributes are JSON text');

    like($answer->{body}, qr/"cost":0\.0041,/, 'no exponent');
    is($app->get('/v1/traces/' . uc $id)->{body}, $answer->{body},
       'digits in any case');
    is($app->get("/v1/traces/$id/")->{body}, $answer->{body}, 'with a slash');
};


subtest '2: type selects spans, the trace stays whole' => sub {
    my $whole = $app->get("/v1/traces/$id")->{json}{trace}{data};
    my $calls = $app->get("/v1/traces/$id?type=GENERATION")->{json}{trace};
    my $none = $app->get("/v1/traces/$id?type=EVENT");

    is(names($calls->{spans}), 'chat gpt-4o-mini', 'GENERATION');
    is(canonical($calls->{data}), canonical($whole), 'the same trace');
    is(names($app->get("/v1/traces/$id?type=SPAN")->{json}{trace}{spans}),
       'answer-question', 'SPAN');
    is($none->{status}, 200, 'no EVENT is no error');
    is(canonical($none->{json}{trace}{spans}), '[]', 'an empty list');
    is(canonical($none->{json}{trace}{data}), canonical($whole),
       'of the same trace');
};


subtest '3: durations are compared with their fractions' => sub {
    for (['minDuration=1801', 'answer-question'],
         ['minDuration=1800', 'answer-question chat gpt-4o-mini'],
         ['maxDuration=1800', ''],
         ['maxDuration=1801', 'chat gpt-4o-mini'],
         ['minDuration=2000&maxDuration=1000', ''],
         ['minDuration=0&maxDuration=9223372036854775807',
          'answer-question chat gpt-4o-mini'])
    {
        my ($query, $names) = @$_;
        my $answer = $app->get("/v1/traces/$id?$query");

        is($answer->{status}, 200, $query);
        is(names($answer->{json}{trace}{spans}), $names, "$query: spans");
    }
};


subtest '4: paging, and parameters that are wrong' => sub {
    is(names($app->get("/v1/traces/$id?limit=1&offset=1")
             ->{json}{trace}{spans}), 'chat gpt-4o-mini', 'the later one');
    is(names($app->get("/v1/traces/$id?limit=1")->{json}{trace}{spans}),
       'answer-question', 'the first one');
    is(canonical($app->get("/v1/traces/$id?offset=2")->{json}{trace}{spans}),
       '[]', 'past the end');
    is(canonical($app->get("/v1/traces/$id?offset=4611686018427387903")
                 ->{json}{trace}{spans}), '[]', 'far past the end');

    for (['limit=0', 'limit'], ['limit=501', 'limit'], ['limit=', 'limit'],
         ['limit=x', 'limit'], ['limit=1.0', 'limit'],
         ['limit=%201', 'limit'], ['limit=99999999999999999999', 'limit'],
         ['offset=-1', 'offset'], ['offset=', 'offset'],
         ['type=span', 'type'], ['type=', 'type'], ['status=3', 'status'],
         ['status=', 'status'], ['status=ok', 'status'],
         ['minDuration=-1', 'minDuration'], ['minDuration=1.5', 'minDuration'],
         ['maxDuration=x', 'maxDuration'],
         ['limit=1&limit=1', 'limit'], ['name=a&name=b', 'name'],
         ['name=%ff', 'name'], ['model=%00', 'model'],
         ['limit=0&status=9', 'status limit'])
    {
        my ($query, $fields) = @$_;
        my $answer = $app->get("/v1/traces/$id?$query");

        is($answer->{status}, 400, $query);
        is(fields($answer), $fields, "$query: details");
        is($answer->{json}{error}, 'Validation failed', "$query: error");
    }

    is($app->get("/v1/traces/$id?unknown=1&name=&model=")->{status}, 200,
       'unknown and empty ones are ignored');
    is($app->get("/v1/traces/$id?limit=%2B1")->{status}, 200, 'a sign');
};


subtest '5: texts are no patterns' => sub {
    my $trace = hex_id(32);

    my @names = ('to 100% done', 'to 1000', 'a_b', 'axb', 'C:\\dir', 'Ünï');

    $app->send(map { span(trace => $trace, name => $names[$_],
                          start => $start + $_) } 0 .. $#names);

    for (['100%25', 'to 100% done'], ['100', 'to 100% done|to 1000'],
         ['_', 'a_b'], ['%5C', 'C:\\dir'], ['TO+1', 'to 100% done|to 1000'],
         ['%27', ''], ['.*', ''])
    {
        my ($name, $found) = @$_;
        my $answer = $app->get("/v1/traces/$trace?name=$name");

        is($answer->{status}, 200, "name=$name");
        is(join('|', map { $_->{name} } @{ $answer->{json}{trace}{spans} }),
           $found, "name=$name: spans");
    }

    is(names($app->get("/v1/traces/$id?model=4O")->{json}{trace}{spans}),
       'chat gpt-4o-mini', 'a model in any case');
    is(names($app->get("/v1/traces/$id?model=gpt-5")->{json}{trace}{spans}),
       '', 'another model');
};


subtest '6: keys and applications' => sub {
    my $path = "/v1/traces/$id";
    my $key = $app->{key};
    my $account = $app->{account};
    my $read_only = AgentVista::key($account, scopes => 'read');
    my $write_only = AgentVista::key($account, scopes => 'write');

    for (["Authorization: $key", "X-Agentmark-App-Id: $account", 200],
         ["Authorization: Bearer $key", "X-Agentmark-App-Id: $account", 200],
         ["Authorization: bearer   $key", "X-Agentmark-App-Id: $account",
          200],
         ["Authorization: $read_only", "X-Agentmark-App-Id: $account", 200],
         ["Authorization: $key", "X-Agentmark-App-Id: app_$account", 200],
         ["Authorization: $key", "X-Puzzlet-App-Id: $account", 200],
         ["Authorization: $key", "X-Agentmark-App-Id: " . uc $account, 200],
         ['X-A: b', "X-Agentmark-App-Id: $account", 401],
         ['X-A: b', 'X-B: c', 401],
         ["Authorization: x$key", "X-Agentmark-App-Id: $account", 401],
         ['Authorization: am_live_abc123', "X-Agentmark-App-Id: $account",
          401],
         ["Authorization: Basic $key", "X-Agentmark-App-Id: $account", 401],
         ["Authorization: $key", 'X-A: b', 401],
         ["Authorization: $write_only", 'X-A: b', 401],
         ["Authorization: $write_only", "X-Agentmark-App-Id: $account", 403],
         ["Authorization: $key",
          "X-Agentmark-App-Id: $other->{account}", 403],
         ["Authorization: $key", 'X-Agentmark-App-Id: app_123', 403],
         ["Authorization: $key", "X-Agentmark-App-Id: $other->{account}\r\n"
                                 . "X-Puzzlet-App-Id: $account", 403],
         ["Authorization: $other->{key}",
          "X-Agentmark-App-Id: $other->{account}", 404])
    {
        my ($authorization, $application, $status) = @$_;
        my $asked = $server->app(account => $account, key => $key,
                                 header => [$authorization, $application]);

        my $answer = $asked->get("$path?limit=" . ($status == 404 ? 1 : 0));

        # a parameter is wrong, too: which check comes first
        is($answer->{status}, $status == 200 ? 400 : $status,
           "$authorization, $application");
        is(ref \$answer->{json}{error}, 'SCALAR', 'an error is a text');
        is($asked->get($path)->{status}, 200, 'all is well otherwise')
            if $status == 200;
    }
};


subtest '7: an error of a child is not the trace\'s' => sub {
    my $trace = hex_id(32);
    my $root = hex_id(16);

    $app->send(span(trace => $trace, id => $root, status => 1,
                    start => $start),
               span(trace => $trace, parent => $root, status => 2,
                    start => $start + 1,
                    message => 'no luck', name => 'failed'));

    my $json = $app->get("/v1/traces/$trace")->{json}{trace};

    is($json->{data}{status}, '1', 'status of the trace');
    is($json->{spans}[1]{status}, '2', 'of the child');
    is($json->{spans}[1]{data}{statusMessage}, 'no luck', 'its message');

    for (['0', ''], ['1', 'step'], ['2', 'failed'], ['ERROR', 'failed'],
         ['STATUS_CODE_ERROR', 'failed'], ['OK', 'step'], ['UNSET', ''])
    {
        is(names($app->get("/v1/traces/$trace?status=$_->[0]")
                 ->{json}{trace}{spans}), $_->[1], "status=$_->[0]");
    }
};


subtest '8: a child before its root, in requests of their own' => sub {
    my $trace = hex_id(32);
    my ($root, $child) = documented($trace, $start);

    $app->send($child);

    my $json = $app->get("/v1/traces/$trace")->{json}{trace};

    is($json->{name}, 'chat gpt-4o-mini', 'an orphan is a root');
    is($json->{spans}[0]{parentId}, '00f067aa0ba902b7', 'with its parent');
    is($json->{data}{tokens}, 310, 'tokens');

    $app->send($root);

    is(seed($app->get("/v1/traces/$trace")->{json}),
       $expected =~ s/\Q$id/$trace/gr, 'the same answer in the end');
};


subtest '9: the same batch twice changes nothing' => sub {
    my $before = $app->get("/v1/traces/$id")->{body};

    $app->send(documented($id, $start));

    is($app->get("/v1/traces/$id")->{body}, $before, 'the same answer');
};


subtest '10: any text comes back as valid JSON' => sub {
    my $trace = hex_id(32);
    my $long = 'long ' . 'x' x (1024 * 1024 - 100);
    my $body = canonical({ resourceSpans => [{ scopeSpans => [{ spans => [
        span(trace => $trace, name => 'odd', start => $start, attributes => {
            'agentmark.input' => 'ODD', 'agentmark.output' => "\x{1f600}" }),
        span(trace => $trace, name => 'long', start => $start + 1,
             attributes => { 'agentmark.input' => $long }),
    ] }] }] });

    $body =~ s/ODD/a\\u0000b\\ud800c\\n\\"/;

    is($app->request('POST', '/v1/traces', $body,
                     'Content-Type: application/json')->{status}, 200,
       'accepted');

    my $spans = $app->get("/v1/traces/$trace")->{json}{trace}{spans};

    like($spans->[0]{data}{input}, qr/^ab\x{fffd}c\n"$/, 'odd input');
    is($spans->[0]{data}{output}, "\x{1f600}", 'an emoji');
    is($spans->[1]{data}{input}, $long, 'a megabyte');
};


subtest 'tokens and cost: the topmost spans that report some' => sub {
    my %call = ('gen_ai.operation.name' => 'chat',
                'gen_ai.usage.input_tokens' => 10,
                'gen_ai.usage.output_tokens' => 5);
    my %agent = ('gen_ai.operation.name' => 'invoke_agent',
                 'gen_ai.usage.input_tokens' => 100,
                 'gen_ai.usage.output_tokens' => 1);

    # name, parent, attributes, and what is expected of the trace
    for (['two calls', [['a', undef, {}], ['b', 'a', \%call],
                        ['c', 'a', \%call]], 30, 0],
         ['an agent that sums up', [['a', undef, \%agent], ['b', 'a', \%call],
                                    ['c', 'b', \%call]], 101, 0],
         ['an agent below', [['a', undef, {}], ['b', 'a', \%agent],
                             ['c', 'b', {}], ['d', 'c', \%call],
                             ['e', 'a', \%call]], 116, 0],
         ['costs of their own', [['a', undef, { %agent,
                                                'agentmark.usage.cost_usd'
                                                    => 0.5 }],
                                 ['b', 'a', { %call, 'gen_ai.usage.cost'
                                                         => 0.25 }]],
          101, 0.5],
         ['cost below tokens', [['a', undef, \%agent],
                                ['b', 'a', { 'gen_ai.usage.cost' => 0.25 }],
                                ['c', 'a', { 'gen_ai.usage.cost'
                                                 => 0.000032 }]],
          101, 0.250032],
         ['orphans', [['a', 'z', \%call], ['b', 'y', \%call]], 30, 0],
         ['a circle', [['a', 'b', \%call], ['b', 'a', \%call],
                       ['c', undef, \%call]], 15, 0],
         ['its own parent', [['a', 'a', \%call]], 0, 0])
    {
        my ($what, $spans, $tokens, $cost) = @$_;
        my $trace = hex_id(32);

        $app->send(map {
            my ($name, $parent, $attributes) = @$_;
            span(trace => $trace, id => $name x 16, name => $name,
                 parent => $parent && $parent x 16, attributes => $attributes)
        } map { [map { ref || !defined ? $_ : tr/yz/ef/r } @$_] } @$spans);

        my $data = $app->get("/v1/traces/$trace")->{json}{trace}{data};

        is($data->{tokens}, $tokens, "$what: tokens");
        is($data->{cost}, $cost, "$what: cost");
    }
};


subtest 'names: trace_name, several roots, tools' => sub {
    my ($trace, $unnamed) = (hex_id(32), hex_id(32));

    $app->send(
        span(trace => $trace, name => 'first', start => $start, status => 1),
        span(trace => $trace, name => 'second', start => $start + 1,
             status => 2,
             attributes => { 'agentmark.trace_name' => 'The name' }),
        span(trace => $unnamed, name => 'b', start => $start + 5),
        span(trace => $unnamed, name => 'a', start => $start + 9),
        span(trace => $unnamed, name => 'execute_tool x', start => $start + 20,
             attributes => { 'gen_ai.operation.name' => 'execute_tool',
                             'gen_ai.tool.name' => 'weather' }));

    my $json = $app->get("/v1/traces/$trace")->{json}{trace};

    is($json->{name}, 'The name', 'of any root');
    is($json->{data}{name}, 'The name', 'in data, too');
    is($json->{data}{status}, '2', 'the highest status of several roots');
    is($json->{spans}[1]{data}{traceName}, 'The name', 'traceName');

    $json = $app->get("/v1/traces/$unnamed")->{json}{trace};

    is($json->{name}, 'b', 'of the earliest root');
    is(names($json->{spans}), 'b a weather', 'a tool has its own name');
    is(names($app->get("/v1/traces/$unnamed?name=weath")
             ->{json}{trace}{spans}), 'weather', 'and is found by it');
    is(names($app->get("/v1/traces/$unnamed?name=execute")
             ->{json}{trace}{spans}), '', 'not by what is not shown');
};


subtest 'times to the nanosecond' => sub {
    my $trace = hex_id(32);
    my $at = now_ns(-50) + 999_999_999;
    my $late = $at + 1_000_001;

    $app->send({ %{ span(trace => $trace, name => 'later') },
                 startTimeUnixNano => '' . ($at + 1),
                 endTimeUnixNano => "$late" },
               { %{ span(trace => $trace, name => 'first') },
                 startTimeUnixNano => "$at", endTimeUnixNano => "$at" },
               { %{ span(trace => $trace, name => 'backwards') },
                 startTimeUnixNano => '' . ($at + 2),
                 endTimeUnixNano => '' . ($at - 9) });

    my $json = $app->get("/v1/traces/$trace")->{json}{trace};

    is(names($json->{spans}), 'first later backwards',
       'in the order of nanoseconds');
    is($json->{data}{latency}, 1.000001, 'latency');
    is($json->{data}{start}, int($at / 1_000_000), 'start, rounded down');
    is($json->{spans}[0]{duration}, 0, 'no duration');
    is($json->{spans}[1]{duration}, 1, 'whole milliseconds');
    is($json->{spans}[2]{duration}, 0, 'a negative duration is none');
};


subtest 'ids that are free text' => sub {
    my $trace = 'abc123-def456 ' . uuid();

    $app->send(span(trace => $trace, id => 'span_root', name => 'root',
                    start => $start),
               span(trace => $trace, id => 'span/child', name => 'child',
                    start => $start + 1, parent => 'span_root'));

    my $json = $app->get('/v1/traces/' . $trace =~ s/ /%20/r)->{json}{trace};

    is($json->{id}, $trace, 'the trace\'s');
    is($json->{spans}[0]{id}, 'span_root', 'a span\'s');
    is($json->{spans}[1]{parentId}, 'span_root', 'its parent\'s');
    is($json->{spans}[1]{traceId}, $trace, 'and its trace\'s');
    is($other->get('/v1/traces/' . $trace =~ s/ /%20/r)->{status}, 404,
       'another account\'s are others');

    for my $id (map { uuid() . $_ } '/b', '/graph/b') {
        my $path = '/v1/traces/' . $id =~ s{/}{%2F}gr;

        $app->send(span(trace => $id, id => 'x', start => $start,
                        attributes => { 'graph.node.id' => "node of $id" }));

        is($app->get($path)->{json}{trace}{id}, $id, 'with slashes');
        like($app->get("$path/graph")->{body}, qr/"node of $id"/, 'its graph');
    }
};


subtest 'traces that were sent natively' => sub {
    my ($trace, $root, $child) = (uuid(), uuid(), uuid());
    my $short = $trace =~ s/-//gr;
    my $body = AgentVista::batch(AgentVista::trace(
        { trace_id => $trace, started_at => '2026-01-01T00:00:00Z' },
        AgentVista::span(span_id => $root, name => 'plan', type => 'agent',
                         input => { q => 1 }, metadata => { a => 1, b => {} },
                         started_at => AgentVista::iso(-9), duration_ms => 5,
                         status => 'completed'),
        AgentVista::span(span_id => $child, parent_span_id => $root,
                         name => 'ask', type => 'llm', status => 'timed_out',
                         started_at => AgentVista::iso(-8), total_tokens => 7,
                         error_message => 'slow', model => 'm')));

    $body =~ s/2026-01-01T00:00:00Z/AgentVista::iso(-9)/e;
    $app->send_native($body);

    my $json = $app->get("/v1/traces/$trace")->{json}{trace};

    is($json->{id}, $short, 'an id without hyphens');
    is(canonical($app->get("/v1/traces/$short")->{json}{trace}),
       canonical($json), 'found by it as well');
    is($json->{name}, 'plan', 'the root\'s name');
    is($json->{data}{status}, '1', 'its status');
    is($json->{data}{tokens}, 7, 'a total is what it reports');

    my ($plan, $ask) = @{ $json->{spans} };

    is($ask->{parentId}, $root =~ s/-//gr, 'ids of 32 digits');
    is($plan->{data}{input}, '{"q":1}', 'input as text');
    is($plan->{data}{type}, 'SPAN', 'an agent');
    is(canonical($plan->{data}{metadata}), '{"a":"1","b":"{}"}', 'metadata');
    is($ask->{data}{type}, 'GENERATION', 'a model call');
    is($ask->{status}, '2', 'timed out is an error');
    is($ask->{data}{statusMessage}, 'slow', 'its message');
    ok(!exists $ask->{data}{spanKind} && !exists $ask->{data}{inputTokens},
       'what is not known is left out');
};


subtest 'what is not there' => sub {
    for (hex_id(32), 'xyz', uuid(), '0' x 32, '%27%20or%201=1', 'a%25',
         'a' x 2000, '%F0%9F%98%80', '%FF')
    {
        my $answer = $app->get("/v1/traces/$_");

        is($answer->{status}, 404, $_);
        is($answer->{body}, '{"error":"Trace not found"}', 'says so');
    }

    # Sent natively, and without a span.
    my $native = uuid();

    sql("insert into agentvista.traces (account_id, trace_id, home_day,"
        . " agent_id, status, started_at, span_count) values"
        . " ('$app->{account}', '$native', current_date, '$native', 1, now(),"
        . " 0)");

    is($app->get("/v1/traces/$native")->{status}, 404,
       'a trace without spans is none');
};


subtest 'GET with a body, HEAD, other methods' => sub {
    my $path = "/v1/traces/$id";
    my $head = $app->request('HEAD', $path);

    is($app->request('GET', $path, '{"a":1}')->{status}, 200,
       'a body is ignored');
    is($head->{status}, 200, 'HEAD');
    is($head->{body}, '', 'has no body');

    my $answer = $app->request('DELETE', $path);

    is($answer->{status}, 405, 'DELETE');
    is($answer->{header}{allow}, 'GET, HEAD', 'what is allowed');
    ok(defined $answer->{json}{error}, 'in the form of the others');
};


subtest 'a large answer comes in chunks' => sub {
    my $trace = hex_id(32);
    my $text = join '', map { chr(33 + $_ % 90) } map { $_ * $_ } 1 .. 20000;

    $app->send(map { span(trace => $trace, name => $_, start => $start + $_,
                          attributes => { 'agentmark.input' => "$_ $text" }) }
               $_ * 50 .. $_ * 50 + 49) for 0 .. 9;

    my $before = $server->nginx->rss;
    my $answer = $app->get("/v1/traces/$trace?limit=500");

    ok(length $answer->{body} > 20_000_000, 'tens of megabytes');
    is($answer->{header}{'content-length'}, undef, 'of no stated length');
    is(join(' ', $answer->{body} =~ /\{"id":"\w{16}","name":"(\d+)"/g),
       join(' ', 0 .. 499), 'whole');
    like($answer->{body}, qr/"input":"499 .{40000,}"\}\}\]\}\}$/s,
         'to the last');
    cmp_ok($server->nginx->rss - $before, '<', 12_000,
           'the worker has not grown with it') if !$ENV{ASAN_OPTIONS};

    my $packed = $app->get("/v1/traces/$trace?limit=500",
                           'Accept-Encoding: gzip');

    is($packed->{header}{'content-encoding'}, 'gzip', 'compressed');
    gunzip(\$packed->{body} => \my $body);
    ok($body eq $answer->{body}, 'the same');

    is($app->request('HEAD', "/v1/traces/$trace?limit=500")->{body}, '',
       'HEAD of it');

    # A client that leaves, and one that is slow.
    my $socket = $server->nginx->connect;
    print $socket "GET /v1/traces/$trace?limit=500 HTTP/1.1\r\nHost: x\r\n",
        join("\r\n", @{ $app->{header} }), "\r\n\r\n";
    sysread $socket, my ($part), 100_000;
    close $socket;

    $socket = $server->nginx->connect;
    print $socket "GET /v1/traces/$trace?limit=500 HTTP/1.0\r\n",
        join("\r\n", @{ $app->{header} }), "\r\n\r\n";
    select undef, undef, undef, 1;
    my $slow = PrivateNginx::answer($socket);
    ok($slow->{body} eq $answer->{body}, 'a slow client gets all of it');

    is($app->get("/v1/traces/$id")->{status}, 200, 'the worker goes on');
};


is(scalar $server->nginx->logged(qw(alert emerg crit)), 0,
   'nothing alarming in the log');

done_testing();
