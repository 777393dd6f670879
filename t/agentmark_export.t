# GET /v1/traces/export: agentmark.md 4.1.

use strict;
use warnings;

use lib 't/lib';
use AgentMark;
use AgentVista qw(sql);
use JSON::PP;
use PrivateNginx;
use Test::More;

PrivateNginx::guard(200);

my $server = AgentMark->new;
my $app = $server->app;
my $other = $server->app;
my $now = now_ns(-3600);
my $json = JSON::PP->new->utf8;

my %call = ('gen_ai.operation.name' => 'chat',
            'gen_ai.request.model' => 'gpt-4o',
            'gen_ai.usage.input_tokens' => 100,
            'gen_ai.usage.output_tokens' => 11,
            'gen_ai.usage.cost' => 0.000032);


# The rows of an export, and its last line.
sub export {
    my ($app, $query) = @_;

    my $answer = $app->get("/v1/traces/export?$query");
    die "$query: $answer->{status} $answer->{body}\n"
        if $answer->{status} != 200;

    my @lines = map { $json->decode($_) } split /\n/, $answer->{body};
    my $meta = pop(@lines)->{_export_meta};

    return (\@lines, $meta, $answer);
}


sub found {
    my ($query) = @_;

    return names((export($app, $query))[0]);
}


my @trace = map { hex_id(32) } 1 .. 2;

$app->send(
    span(trace => $trace[0], id => 'a' x 16, name => 'root', start => $now,
         ms => 10.5, attributes => {
             'agentmark.session_id' => 's', 'agentmark.user_id' => 'ann',
             'agentmark.tags' => 'blue, red', 'agentmark.metadata.k' => 'v',
             'agentmark.input' => "a,\"b\"\nc", 'agentmark.output' => 'out' }),
    span(trace => $trace[0], id => 'b' x 16, parent => 'a' x 16,
         name => 'call', start => $now + 1_000_000, ms => 5, kind => 3,
         attributes => { %call, 'gen_ai.input.messages' =>
             '[{"role":"user","parts":[{"type":"text","content":"Hi"},'
             . '{"type":"text","content":"there"}]}]',
             'gen_ai.output.messages' =>
             '[{"role":"assistant","parts":[{"type":"text","content":"Yo"}],'
             . '"finish_reason":"stop"}]' }));
$app->send(
    span(trace => $trace[1], id => 'c' x 16, name => 'failed 100%',
         start => $now + 60_000_000_000, status => 2, message => 'no luck',
         attributes => { %call, 'gen_ai.request.model' => 'gpt-4o-mini',
                         'agentmark.input' => 'plain question',
                         'agentmark.output' => 'plain answer' }));

my $ms = $now / 1_000_000;


subtest 'lines of JSON' => sub {
    my ($rows, $meta, $answer) = export($app, '');

    is($answer->{header}{'content-type'}, 'application/x-ndjson', 'type');
    is(names($rows), 'failed 100% root call',
       'the newest trace first, each in its order');
    is(canonical($meta),
       '{"count":3,"has_more":false,"next_cursor":null}', 'the last line');

    my $root = $rows->[1];

    is(canonical($root), canonical({
        id => 'a' x 16, traceId => $trace[0], name => 'root', type => 'SPAN',
        status => '1', timestamp => $ms, duration => 10.5, sessionId => 's',
        userId => 'ann', serviceName => 'tester', tags => ['blue', 'red'],
        metadata => { k => 'v' }, input => "a,\"b\"\nc", output => 'out' }),
       'a span');
    is($rows->[2]{cost}, 0.000032, 'cost');
    is($rows->[2]{parentId}, 'a' x 16, 'parent');
    is($rows->[0]{statusMessage}, 'no luck', 'error');

    ($rows) = export($app, 'lightweight=true');

    ok(!(grep { exists $_->{input} || exists $_->{output} } @$rows),
       'lightweight: without input and output');
};


subtest 'filters' => sub {
    $app->request('POST', '/v1/score', { resourceId => 'b' x 16, score => 0.5,
                                         name => 'n' });
    $app->request('POST', '/v1/score', { resourceId => $trace[1], score => 9,
                                         name => 'n' });

    my $before = 'startDate=2020-01-01';

    for (['type=GENERATION', 'failed 100% call'], ['type=SPAN', 'root'],
         ['type=EVENT', ''], ['type=all&limit=2', 'failed 100% root'],
         ['model=gpt-4o', 'call'], ['model=gpt', ''],
         ['status=STATUS_CODE_ERROR', 'failed 100%'], ['status=1',
                                                       'root call'],
         ['name=100%25', 'failed 100%'], ['name=%5F', ''],
         ['minScore=0.4', 'failed 100% call'], ['maxScore=0.5', 'call'],
         ['minScore=0.6&maxScore=8', ''], ['minScore=9.0', 'failed 100%'],
         ['userId=ann', 'root call'], ['userId=a', ''],
         ['tag=blue', 'root call'], ['tag=green', ''],
         ['metadata_key=k&metadata_value=v', 'root'],
         ['metadata_key=k&metadata_value=w', ''],
         ["$before&endDate=2020-02-01", ''],
         ["$before&endDate=2100-02-01", 'failed 100% root call'],
         ['startDate=2100-01-01&endDate=2000-01-01', ''])
    {
        my ($query, $names) = @$_;

        is(found($query), $names, $query);
    }

    is(names((export($other, ''))[0]), '', 'another account has nothing');

    for (['limit=0', 'limit'], ['limit=2001', 'limit'],
         ['format=xml', 'format'], ['lightweight=1', 'lightweight'],
         ['startDate=x', 'startDate'], ['minScore=high', 'minScore'],
         ['metadata_key=k', 'metadata_value'],
         ['metadata_value=v', 'metadata_key'], ['type=span', 'type'],
         ['cursor=x', 'cursor'], ['cursor=2026-01-01T00:00:00Z~x', 'cursor'])
    {
        my ($query, $fields) = @$_;
        my $answer = $app->get("/v1/traces/export?$query");

        is($answer->{status}, 400, $query);
        is(fields($answer), $fields, "$query: details");
    }
};


subtest 'CSV' => sub {
    my $answer = $app->get('/v1/traces/export?format=csv&limit=2');
    my @lines = split /\r\n/, $answer->{body};

    is($answer->{header}{'content-type'}, 'text/csv; charset=utf-8', 'type');
    is(scalar @lines, 3, 'a head and two rows');
    is($lines[0], 'id,traceId,parentId,name,type,status,statusMessage,'
       . 'timestamp,duration,model,inputTokens,outputTokens,totalTokens,cost,'
       . 'sessionId,userId,serviceName,promptName,tags,metadata,input,output,'
       . 'outputObject,toolCalls', 'its head');
    is($lines[1], join(',', 'c' x 16, $trace[1], '', 'failed 100%',
       'GENERATION', 2, 'no luck', $ms + 60_000, 1, 'gpt-4o-mini', 100, 11,
       111, '0.000032', '', '', 'tester', '', '', '', 'plain question',
       'plain answer', '', ''), 'a row');
    like($lines[2], qr/,"a,""b""\nc",out,/, 'is quoted where it must be');
    like($answer->{header}{'x-next-cursor'}, qr/^\d{4}-.*Z~[0-9a-f-]{36}$/,
         'where the next page begins');

    my @cells = ('=1+"1"', '+1', '-1', '@a', "\t=1", 'a=1');
    my $sheet = $server->app;

    $sheet->send(map { span(name => $_, start => $now) } @cells);

    my (undef, @rows) = split /\r\n/,
                        $sheet->get('/v1/traces/export?format=csv')->{body};

    is(join(' ', sort map { (split /,/)[3] } @rows),
       join(' ', sort q("'=1+""1"""), q("'+1"), q("'-1"), q("'@a"), qq("'\t=1"),
                      'a=1'), 'no cell is a formula');
};


subtest 'examples to learn from' => sub {
    my $answer = $app->get('/v1/traces/export?format=openai');

    is($answer->{header}{'content-type'}, 'application/x-ndjson', 'type');
    is(canonical([map { $json->decode($_) } split /\n/, $answer->{body}]),
       canonical([
           { messages => [
               { role => 'user', content => 'plain question' },
               { role => 'assistant', content => 'plain answer' } ] },
           { messages => [
               { role => 'user', content => "Hi\nthere" },
               { role => 'assistant', content => 'Yo' } ] },
       ]), 'the model calls');
};


subtest 'pages' => sub {
    my $paged = $server->app;
    my @all;

    # traces of several spans, two of which start at the same time
    for my $i (1 .. 8) {
        my $trace = hex_id(32);
        my $start = $now + int($i / 2) * 1_000_000;

        $paged->send(map { span(trace => $trace, name => "$i.$_",
                                start => $start + $_) } 0 .. 4);
    }

    my ($whole) = export($paged, '');
    is(scalar @$whole, 40, 'all there is');

    for my $limit (1, 3, 5, 7, 40) {
        my ($rows, $meta, @seen, $pages);
        my $query = "limit=$limit";

        while (++$pages < 100) {
            ($rows, $meta) = export($paged, $query);
            push @seen, @$rows;
            last if !$meta->{has_more};
            $query = "limit=$limit&cursor=$meta->{next_cursor}";
        }

        is(names(\@seen), names($whole), "pages of $limit");
        is($meta->{next_cursor}, undef, 'an end');
    }

    my ($rows, $meta) = export($paged, 'limit=5');
    my ($time) = $meta->{next_cursor} =~ /^([^~]*)/;

    is(names((export($paged, "cursor=$time"))[0]),
       join(' ', map { $_->{name} }
                 grep { $_->{timestamp} < $whole->[0]{timestamp} } @$whole),
       'a time alone will do');
};


subtest 'traces that began before, and filters that few match' => sub {
    my $app = $server->app;
    my ($long, $old) = map { hex_id(32) } 1 .. 2;
    my $began = now_ns(-7200);

    $app->send(span(trace => $long, name => 'root', start => $began, ms => 1),
               span(trace => $long, name => 'late', start => $now, ms => 1),
               span(trace => $old, name => 'old', start => $began, ms => 1));

    my $since = 'startDate=' . AgentVista::iso(-5400);

    is(names((export($app, $since))[0]), 'late', 'what is in the range');

    $app->send(map { span(trace => hex_id(32), name => "many.$_",
                          start => $began + $_ * 1_000_000) } 1 .. 400);
    $app->send(map { span(trace => hex_id(32), name => "few.$_",
                          start => $began - $_ * 1_000_000) } 1 .. 3);

    # How often a page looks for more traces.
    my $looks = sub {
        my ($seconds, $limit, $name) = @_;

        return sql("begin; do \$\$ begin perform"
            . " agentvista.agentmark_export('$app->{account}', 0::smallint,"
            . " $limit, null, now() - interval '$seconds s', null, null, null,"
            . " null, $name, null, null, null, null, null, null, null, null);"
            . " end; \$\$; select pg_stat_get_xact_numscans("
            . "'agentvista.traces_started_idx'::regclass); rollback");
    };

    cmp_ok($looks->(5400, 2, 'null'), '<', 5,
           'traces that ended before the range are passed over');
    cmp_ok($looks->(86400, 2, "'few'"), '<', 15,
           'few that match are not looked for a few at a time');

    my ($rows, $meta) = export($app, 'limit=2&name=few');
    is(names($rows), 'few.1 few.2', 'a page of few among many');

    ($rows, $meta) = export($app, "limit=2&name=few&cursor=$meta->{next_cursor}");
    is(names($rows), 'few.3', 'and the next');
    ok(!$meta->{has_more}, 'which is the last');
};


subtest 'much of it, with little memory' => sub {
    my $account = $app->{account};
    my $large = $server->app(account => $account, key => $app->{key});
    my $day = sql("select current_date - 2");

    sql(<<"END");
insert into agentvista.traces (account_id, trace_id, home_day, agent_id,
    status, started_at, span_count, header, span_start_ns, span_end_ns)
select '$account', ('00000000-0000-0000-0001-' || lpad(to_hex(g), 12, '0'))::uuid,
    '$day', '$account', 1, timestamptz '$day 00:00:00Z' + g * interval '1 s',
    20, 1, extract(epoch from timestamptz '$day 00:00:00Z')::bigint
           * 1000000000 + g * 1000000000::bigint,
    extract(epoch from timestamptz '$day 00:00:00Z')::bigint
    * 1000000000 + g * 1000000000::bigint + 1
from generate_series(1, 500) g;
insert into agentvista.spans (account_id, home_day, trace_id, span_id,
    ordinal, type, status, name, started_at, ended_at, duration_ns, input,
    output)
select '$account', '$day',
    ('00000000-0000-0000-0001-' || lpad(to_hex(g), 12, '0'))::uuid,
    lpad(to_hex(s), 32, '0')::uuid, s, 2, 1, g || '.' || s,
    timestamptz '$day 00:00:00Z' + g * interval '1 s' + s * interval '1 us',
    null, 1, to_json(repeat(md5(g::text), 200)),
    to_json(repeat(md5(s::text), 50))
from generate_series(1, 500) g, generate_series(1, 20) s;
END

    my $before = $server->nginx->rss;
    my ($count, $bytes, $pages, $cursor) = (0, 0, 0, '');

    while ($pages++ < 10) {
        my $answer = $large->get("/v1/traces/export?limit=2000&startDate=$day"
                                 . "&endDate=$day$cursor");
        $count += () = $answer->{body} =~ /^\{"id":/mg;
        $bytes += length $answer->{body};
        my ($next) = $answer->{body} =~ /"next_cursor" : "([^"]+)"/ or last;
        $cursor = "&cursor=$next";
    }

    is($count, 10_000, 'all spans');
    is($pages, 5, 'in five pages');
    cmp_ok($bytes, '>', 80_000_000, 'of nearly a hundred megabytes');
    cmp_ok($server->nginx->rss - $before, '<', 12_000,
           'and the worker has hardly grown') if !$ENV{ASAN_OPTIONS};
};


is(scalar $server->nginx->logged(qw(alert emerg crit)), 0,
   'nothing alarming in the log');

done_testing();
