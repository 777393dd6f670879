# AgentMark's lists, metrics, graph, runs and health (agentmark.md 4), and what
# its paths say to all others.

use strict;
use warnings;

use lib 't/lib';
use AgentMark;
use AgentVista ();
use POSIX qw(strftime);
use PrivateNginx;
use Test::More;

PrivateNginx::guard(120);

my $server = AgentMark->new;
my $app = $server->app;
my $other = $server->app;

my %call = ('gen_ai.operation.name' => 'chat',
            'gen_ai.request.model' => 'gpt-4o',
            'gen_ai.usage.input_tokens' => 100,
            'gen_ai.usage.output_tokens' => 11,
            'gen_ai.usage.cost' => 0.000032);


# A trace of a root and, a millisecond later, a model call.
sub trace_of {
    my ($name, $start, %given) = @_;

    my ($trace, $root) = (hex_id(32), hex_id(16));

    $app->send(span(trace => $trace, id => $root, name => $name,
                    start => $start, ms => $given{ms} // 10,
                    status => $given{status} // 1,
                    attributes => $given{attributes}),
               span(trace => $trace, parent => $root, name => "call of $name",
                    start => $start + 1_000_000, ms => 5, kind => 3,
                    status => $given{child} // 1, attributes => \%call));

    return $trace;
}


# The three from new to old.
my $now = now_ns(-300);
my @trace = (
    trace_of('weather_100%', $now + 30_000_000, ms => 30.5, child => 2),
    trace_of('Weather', $now + 20_000_000, ms => 20, status => 2),
    trace_of('news', $now + 10_000_000, ms => 10, status => 0),
);


sub bad {
    my ($path, %wrong) = @_;

    for my $query (sort keys %wrong) {
        my $answer = $app->get("$path?$query");

        is($answer->{status}, 400, "$path?$query");
        is(fields($answer), $wrong{$query}, 'names the parameter');
    }
}


subtest 'GET /v1/traces' => sub {
    my $json = $app->get('/v1/traces')->{json};

    is(names($json->{traces}), 'weather_100% Weather news', 'newest first');
    is(canonical($json->{traces}[0]), canonical({
           id => $trace[0], name => 'weather_100%', status => '1',
           latency => 30.5, cost => 0.000032, tokens => 111,
           start => ($now + 30_000_000) / 1_000_000,
           end => int(($now + 60_500_000) / 1_000_000) }), 'all of one');
    like($app->get('/v1/traces')->{body}, qr/"cost":0\.000032,/,
         'no exponent');

    for (['status=0', 'news'], ['status=1', 'weather_100%'],
         ['status=STATUS_CODE_ERROR', 'Weather'], ['status=ERROR', 'Weather'],
         ['name=weather', 'weather_100% Weather'], ['name=_1', 'weather_100%'],
         ['name=%25', 'weather_100%'], ['name=call', ''], ['name=', undef],
         ['latency_gt=10', 'weather_100% Weather'],
         ['latency_gt=20', 'weather_100%'], ['latency_gt=30', 'weather_100%'],
         ['latency_gt=31', ''], ['latency_lt=20', 'news'],
         ['latency_lt=30', 'Weather news'],
         ['latency_gt=10&latency_lt=30', 'Weather'],
         ['latency_gt=30&latency_lt=10', ''],
         ['limit=1', 'weather_100%'], ['limit=1&offset=1', 'Weather'],
         ['limit=2&offset=2', 'news'], ['offset=3', ''],
         ['offset=4611686018427387903', ''],
         ['name=weather&offset=1', 'Weather'],
         ['name=weather&limit=1&offset=1&status=2', ''],
         ['status=2&limit=1', 'Weather'])
    {
        my ($query, $names) = @$_;

        is(names($app->get("/v1/traces?$query")->{json}{traces}),
           $names // 'weather_100% Weather news', $query);
    }

    bad('/v1/traces', 'limit=0' => 'limit', 'limit=201' => 'limit',
        'offset=-1' => 'offset', 'latency_gt=-1' => 'latency_gt',
        'latency_lt=1.5' => 'latency_lt', 'status=5' => 'status',
        'name=' . 'x' x 501 => 'name', 'status=' => 'status',
        'limit=1&limit=2' => 'limit');

    for my $trace (@trace) {
        my $data = $app->get("/v1/traces/$trace")->{json}{trace}{data};
        my ($listed) = grep { $_->{id} eq $trace } @{ $json->{traces} };

        is(canonical($listed), canonical($data), 'as the trace itself');
    }
};


subtest 'a filter that few traces pass, and its pages' => sub {
    my $many = $server->app;

    for my $hundred (0 .. 6) {
        $many->send(map { span(name => $_ % 40 ? 'common' : "rare $_",
                               start => $now + $_ * 1000) }
                    100 * $hundred + 1 .. 100 * $hundred + 100);
    }

    is(names($many->get('/v1/traces?name=rare&limit=3')->{json}{traces}),
       'rare 680 rare 640 rare 600', 'first page');
    is(names($many->get('/v1/traces?name=rare&limit=3&offset=3')
             ->{json}{traces}), 'rare 560 rare 520 rare 480', 'second');
    is(names($many->get('/v1/traces?name=rare&limit=200&offset=15')
             ->{json}{traces}), 'rare 80 rare 40', 'last');
};


subtest 'GET /v1/spans' => sub {
    my $json = $app->get('/v1/spans')->{json};
    my $one = $app->get("/v1/traces/$trace[0]")->{json}{trace}{spans};

    is(names($json->{spans}),
       'call of weather_100% weather_100% call of Weather Weather'
       . ' call of news news', 'newest first');
    is(canonical([reverse @{ $json->{spans} }[0, 1]]), canonical($one),
       'as in their trace');

    for (['type=GENERATION&limit=1', 'call of weather_100%'],
         ['type=EVENT', ''], ['status=STATUS_CODE_UNSET', 'news'],
         ['status=STATUS_CODE_ERROR', 'call of weather_100% Weather'],
         ['status=2', 'call of weather_100% Weather'],
         ['model=4O&name=NEWS', 'call of news'], ['minDuration=21',
                                                  'weather_100%'],
         ['maxDuration=10&type=SPAN', 'news'], ['offset=5', 'news'],
         ['limit=2&offset=2', 'call of Weather Weather'], ['offset=6', ''],
         ['offset=20000', ''],
         ["traceId=$trace[2]", 'call of news news'],
         ["traceId=" . uc $trace[2], 'call of news news'],
         ['traceId=' . hex_id(32), ''], ['traceId=x', ''])
    {
        my ($query, $names) = @$_;

        is(names($app->get("/v1/spans?$query")->{json}{spans}), $names,
           $query);
    }

    bad('/v1/spans', 'limit=501' => 'limit', 'type=x' => 'type',
        'status=STATUS_CODE' => 'status', 'minDuration=' => 'minDuration');
};


subtest 'spans of several days, newest first all the same' => sub {
    my $days = $server->app;
    my $midnight = int(time / 86400) * 86400 * 1_000_000_000;
    my ($long, $young) = (hex_id(32), hex_id(32));
    my $yesterday = $midnight - 3_600_000_000_000;

    # begun yesterday and still going on today
    $days->send(span(trace => $long, name => 'old root', start => $yesterday),
                span(trace => $long, name => 'old late',
                     start => $midnight + 2));
    $days->send(span(trace => $young, name => 'a', start => $midnight + 1),
                span(trace => $young, name => 'b', start => $midnight + 3));
    $days->send(span(name => 'very old',
                     start => $midnight - 3 * 86400 * 1_000_000_000));

    is(join('|', map { $_->{name} }
                 @{ $days->get('/v1/spans')->{json}{spans} }),
       'b|old late|a|old root|very old', 'all');
    is(names($days->get('/v1/spans?limit=1&offset=1')->{json}{spans}),
       'old late', 'a page of one');
};


subtest 'sessions' => sub {
    my $chat = $server->app;

    sub session {
        my ($chat, $id, $start, %attributes) = @_;

        my $trace = hex_id(32);

        $chat->send(span(trace => $trace, name => "turn of $id", ms => 10.5,
                         start => $start, attributes => {
                             'session.id' => $id, %attributes }),
                    span(trace => $trace, name => 'call', ms => 2,
                         start => $start + 1, attributes => \%call));
        return $trace;
    }

    my @turns = map { session($chat, 'one', $now + $_ * 1_000_000_000,
                              'agentmark.session_name' => 'First 100%',
                              'user.id' => 'ann') } 1 .. 3;
    session($chat, 'two/2', $now, 'user.id' => 'bob');

    my $json = $chat->get('/v1/sessions')->{json};

    is(canonical($json->{sessions}), canonical([
           { id => 'one', name => 'First 100%', traceCount => 3,
             totalTokens => 333, totalCost => 0.000096, totalDuration => 31.5,
             firstTrace => $now / 1_000_000 + 1000,
             lastTrace => $now / 1_000_000 + 3000 },
           { id => 'two/2', name => '', traceCount => 1, totalTokens => 111,
             totalCost => 0.000032, totalDuration => 10.5,
             firstTrace => $now / 1_000_000, lastTrace => $now / 1_000_000 },
       ]), 'the latest first');

    for (['name=first', 'one'], ['name=%25', 'one'], ['name=x', ''],
         ['userId=bob', 'two/2'], ['userId=an', ''], ['limit=1', 'one'],
         ['limit=1&offset=1', 'two/2'], ['name=first&userId=ann', 'one'],
         ['name=first&userId=bob', ''])
    {
        my ($query, $ids) = @$_;

        is(join(' ', map { $_->{id} } @{ $chat->get("/v1/sessions?$query")
                                         ->{json}{sessions} }), $ids, $query);
    }

    bad('/v1/sessions', 'limit=201' => 'limit', 'offset=x' => 'offset');

    # ends that only broken clocks name, each within what a bigint holds
    my $broken = $server->app;
    $broken->send(map { { %{ span(attributes => { 'session.id' => 'far' }) },
                          endTimeUnixNano => '9223372036854775807' } } 1, 2);
    is($broken->get('/v1/sessions')->{status}, 200, 'durations beyond a bigint');

    my $traces = $chat->get('/v1/sessions/one/traces')->{json}{traces};

    is($chat->get('/v1/sessions/two%2F2/traces')->{json}{traces}[0]{name},
       'turn of two/2', 'an id with a slash');

    is(canonical($traces), canonical([map {
           $chat->get("/v1/traces/$_")->{json}{trace} } reverse @turns ]),
       'the traces of one, as they are alone');
    is(scalar @{ $chat->get('/v1/sessions/one/traces?limit=1&offset=2')
                 ->{json}{traces} }, 1, 'a page of them');
    is(canonical($chat->get('/v1/sessions/one/traces?offset=3')->{json}),
       '{"traces":[]}', 'past the end');

    my $answer = $chat->get('/v1/sessions/three/traces');

    is($answer->{status}, 404, 'no such session');
    is($answer->{body}, '{"error":"Session not found"}', 'says so');
    is($other->get('/v1/sessions/one/traces')->{status}, 404,
       'another account has none');
};


subtest 'GET /v1/metrics' => sub {
    my $metered = $server->app;
    my $hour = int(time / 3600) * 3600 - 7200;
    my @at = map { ($hour + $_) * 1_000_000_000 } 10, 20, 3610;

    for my $i (0 .. 2) {
        my $trace = hex_id(32);
        $metered->send(span(trace => $trace, id => '1' x 16, ms => 10 + $i,
                            name => 'root', start => $at[$i],
                            status => $i == 1 ? 2 : 1),
                       span(trace => $trace, parent => '1' x 16, ms => 1,
                            name => "call $i", start => $at[$i] + 1,
                            attributes => { %call, 'gen_ai.request.model'
                                                       => "model-$i" }));
    }

    my $first = strftime('%Y-%m-%dT%H:00:00Z', gmtime $hour);
    my $second = strftime('%Y-%m-%dT%H:00:00Z', gmtime $hour + 3600);
    my $range = "startDate=$first&endDate="
                . strftime('%Y-%m-%dT%H:%M:%SZ', gmtime);

    my $json = $metered->get("/v1/metrics?$range&granularity=hour")->{json};

    is(canonical($json->{metrics}), canonical([
           { timestamp => $first, traceCount => 2, spanCount => 4,
             totalTokens => 222, totalCost => 0.000064, avgLatencyMs => 10.5,
             errorRate => 0.5 },
           { timestamp => $second, traceCount => 1, spanCount => 2,
             totalTokens => 111, totalCost => 0.000032, avgLatencyMs => 12,
             errorRate => 0 },
       ]), 'by the hour');

    is(canonical($metered->get("/v1/metrics?$range&granularity=hour"
                               . '&model=Model-1')->{json}{metrics}),
       canonical([{ timestamp => $first, traceCount => 1, spanCount => 1,
                    totalTokens => 111, totalCost => 0.000032,
                    avgLatencyMs => 11, errorRate => 1 }]), 'of a model');
    is(canonical($metered->get("/v1/metrics?$range&granularity=hour"
                               . '&name=call%202')->{json}{metrics}),
       canonical([{ timestamp => $second, traceCount => 1, spanCount => 1,
                    totalTokens => 111, totalCost => 0.000032,
                    avgLatencyMs => 12, errorRate => 0 }]), 'of a name');

    my $sum = 0;
    $sum += $_->{traceCount} for @{ $metered->get('/v1/metrics')
                                    ->{json}{metrics} };
    is($sum, 3, 'by the day, for a week, without any parameter');
    is($metered->get('/v1/metrics?granularity=week')->{status}, 200, 'week');
    is($metered->get('/v1/metrics?startDate=2020-01-01&endDate=2020-01-31')
       ->{body}, '{"metrics":[]}', 'of a time without traces; by dates');
    is($metered->get("/v1/metrics?startDate=2030-01-01T00:00:00Z"
                     . '&endDate=2020-01-31T00:00:00Z')->{body},
       '{"metrics":[]}', 'of a range that ends before it starts');

    # Tokens of agents are not kept with the trace.
    my $agents = $server->app;
    $agents->send(map { span(start => $now, attributes => {
                            'gen_ai.operation.name' => 'invoke_agent',
                            'gen_ai.usage.input_tokens' => $_ }) } 1 .. 3);

    my $metrics = "select agentvista.agentmark_metrics('$agents->{account}',"
                  . ' null, null, 1::smallint, null, null)';

    like(AgentVista::sql($metrics), qr/"traceCount":3,.*"totalTokens":6,/,
         'what only the spans tell');
    is((split /\n/, AgentVista::sql(
            "begin; set local track_functions = 'all'; $metrics;"
            . ' select calls from pg_stat_xact_user_functions'
            . " where funcname = 'agentmark_traces'; commit"))[-1],
       1, 'is asked of all traces at once');

    bad('/v1/metrics', 'startDate=yesterday' => 'startDate',
        'endDate=2026-13-01' => 'endDate', 'endDate=' => 'endDate',
        'granularity=minute' => 'granularity');
};


subtest 'GET /v1/traces/{traceId}/graph' => sub {
    my $trace = hex_id(32);
    my %node = ('agentmark.metadata.graph.node.type' => 'router');

    $app->send(
        span(trace => $trace, id => 'a' x 16, name => 'A', start => $now,
             attributes => { %node, 'agentmark.metadata.graph.node.id' => 'n1',
                             'agentmark.metadata.graph.node.display_name'
                                 => 'Node 1' }),
        span(trace => $trace, id => 'b' x 16, name => 'B', start => $now + 2,
             attributes => { 'graph.node.id' => 'n2',
                             'graph.node.parent_id' => 'n1' }),
        span(trace => $trace, id => 'c' x 16, name => 'C', start => $now + 1,
             attributes => { 'agentmark.metadata.graph.node.id' => 'n3',
                             'agentmark.metadata.graph.node.parent_id' => 'x',
                             'agentmark.metadata.graph.node.parent_ids'
                                 => '["n1","n2"]' }),
        span(trace => $trace, id => 'd' x 16, name => 'D', start => $now + 3,
             attributes => { 'agentmark.metadata.graph.node.id' => 'n4',
                             'agentmark.metadata.graph.node.parent_ids'
                                 => '[not JSON' }),
        span(trace => $trace, name => 'none', start => $now));

    is(canonical($app->get("/v1/traces/$trace/graph")->{json}), canonical({
        graphData => [
            { nodeId => 'n1', spanId => 'a' x 16, nodeType => 'router',
              displayName => 'Node 1', spanName => 'A' },
            (map { { parentNodeId => $_, nodeId => 'n3', spanId => 'c' x 16,
                     nodeType => '', displayName => 'C', spanName => 'C' } }
                 'n1', 'n2'),
            { parentNodeId => 'n1', nodeId => 'n2', spanId => 'b' x 16,
              nodeType => '', displayName => 'B', spanName => 'B' },
            { nodeId => 'n4', spanId => 'd' x 16, nodeType => '',
              displayName => 'D', spanName => 'D' },
        ] }), 'nodes and their parents');

    is($app->get("/v1/traces/$trace[0]/graph")->{body}, '{"graphData":[]}',
       'a trace without nodes');
    is($app->get('/v1/traces/' . hex_id(32) . '/graph')->{status}, 404,
       'no such trace');
    is($other->get("/v1/traces/$trace/graph")->{status}, 404,
       'another account');
};


subtest 'GET /v1/runs/{runId}/traces' => sub {
    my @run = map { trace_of("item $_", $now + $_ * 1_000_000, attributes => {
        'agentmark.dataset_run_id' => 'run 1', 'agentmark.tags' => "t$_, all",
    }) } 1 .. 3;

    my $json = $app->get('/v1/runs/run%201/traces?limit=2')->{json};

    is(canonical($json->{pagination}),
       canonical({ total => 3, limit => 2, offset => 0 }), 'pagination');
    is(names($json->{data}), 'item 3 item 2', 'newest first');

    my $item = $json->{data}[1];

    is($item->{id}, $run[1], 'id');
    is($item->{status}, 'OK', 'status');
    is($item->{latency_ms}, 10, 'latency');
    is($item->{tokens}, 111, 'tokens');
    is($item->{span_count}, 2, 'spans');
    is(canonical($item->{tags}), '["all","t2"]', 'tags');
    is($item->{start}, strftime('%Y-%m-%dT%H:%M:%S', gmtime $now / 1e9)
                       . '.002Z', 'start');

    is(names($app->get('/v1/runs/run%201/traces?offset=2')->{json}{data}),
       'item 1', 'the second page');
    is($app->get('/v1/runs/none/traces')->{json}{pagination}{total}, 0,
       'no such run');
    is($other->get('/v1/runs/run%201/traces')->{json}{pagination}{total}, 0,
       'another account');
    bad('/v1/runs/x/traces', 'limit=0' => 'limit');
};


subtest 'GET /v1/health/ingestion needs no key' => sub {
    my $anybody = $server->app(header => []);
    my $answer = $anybody->get('/v1/health/ingestion');

    is($answer->{status}, 200, 'status');
    is(join(' ', sort keys %{ $answer->{json} }),
       'dependencies service status timestamp', 'members');
    like($answer->{json}{status}, qr/^(?:healthy|degraded)$/, 'in words');
    is($answer->{json}{service}, 'ingestion', 'service');
    like($answer->{json}{timestamp}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, 'time');
    is($answer->{json}{dependencies}[0]{name}, 'postgres', 'dependency');
    like($answer->{json}{dependencies}[0]{latencyMs}, qr/^\d+(?:\.\d+)?$/,
         'its latency');
};


subtest 'what is no path, or not for this method' => sub {
    for (['GET', '/v1/nothing', 404], ['GET', '/v1/', 404],
         ['GET', '/v1/traces/a/b', 404], ['POST', '/v1/nothing', 404],
         ['GET', '/v1/scores/', 400], ['PUT', '/v1/spans', 405],
         ['POST', '/v1/sessions', 405], ['PATCH', '/v1/scores/x', 405],
         ['GET', '/v1/score', 405], ['GET', '/v1/scores/x', 404])
    {
        my ($method, $path, $status) = @$_;
        my $answer = $app->request($method, $path);

        is($answer->{status}, $status, "$method $path");
        is($answer->{header}{'content-type'}, 'application/json', 'JSON');
        ok(defined $answer->{json}{error} && !ref $answer->{json}{error},
           'with a text as its error');
    }
};


subtest 'every list is empty for another account' => sub {
    is(canonical($other->get("/v1/$_->[0]")->{json}), $_->[1], $_->[0])
        for ['traces', '{"traces":[]}'], ['spans', '{"spans":[]}'],
            ['sessions', '{"sessions":[]}'], ['metrics', '{"metrics":[]}'],
            ["spans?traceId=$trace[0]", '{"spans":[]}'],
            ["scores?resourceId=$trace[0]", '{"scores":[]}'];
};


subtest 'a key for each' => sub {
    my $anybody = $server->app(header => []);
    my $write = $server->app(account => $app->{account},
        key => AgentVista::key($app->{account}, scopes => 'write'));

    for ('traces', 'traces/x', 'traces/x/graph', 'traces/export', 'spans',
         'sessions', 'sessions/x/traces', 'scores?resourceId=x', 'scores/x',
         'metrics', 'runs/x/traces')
    {
        is($anybody->get("/v1/$_")->{status}, 401, "$_ without a key");
        is($write->get("/v1/$_")->{status}, 403, "$_ with one that may not");
    }
};


is(scalar $server->nginx->logged(qw(alert emerg crit)), 0,
   'nothing alarming in the log');

done_testing();
