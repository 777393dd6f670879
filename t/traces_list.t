# GET /dashboard/traces (agentvista.md 5.1): filters, pages and cursors; how
# parameters are read, which is the same for all queries.

use strict;
use warnings;

use lib 't/lib';
use Api;
use Test::More;

my $api = Api->new;
my $other = $api->stranger;
my $path = '/dashboard/traces';

# names by id, so that lists can be read
my %name;

sub make {
    my ($name, $header, @spans) = @_;

    my $t = trace($header, @spans);
    $name{$t->{trace}{trace_id}} = $name;

    return $t;
}

sub names {
    my ($answer) = @_;

    return $answer->{status} . ' ' . $answer->{body}
        if $answer->{status} != 200;
    return join ' ', map { $name{$_->{trace_id}} // '?' }
                         @{ $answer->{json}{traces} };
}

sub finds {
    my ($names, @query) = @_;

    my $answer = $api->get($path, @query);

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is(names($answer), $names, join(' ', 'filter', @query));
    is($answer->{json}{total}, scalar(() = $names =~ /\S+/g), 'total');
}


my $empty = $api->get($path);
is($Api::Json->encode($empty->{json}),
   '{"has_more":false,"next_cursor":null,"page":1,"page_size":20,'
   . '"total":0,"total_exact":true,"traces":[]}', 'an empty list');
is($empty->{header}{'cache-control'}, 'no-store', 'is not cached');

$api->store(
    make(ok => { agent => 'Planner', started_at => iso(-100), status => 'completed', success => \1,
                 outcome => 'resolved', duration_ms => 1000,
                 total_cost_usd => '0.100000', total_tokens => 100,
                 metadata => { tenant => 'acme', tier => 3, ok => \1,
                               'we"ird \'key' => "it's" } },
         span(type => 'llm', model => 'gpt-4o')),
    make(bad => { agent => 'Planner', started_at => iso(-200),
                  status => 'failed', success => \0, outcome => 'refused',
                  duration_ms => 2000, total_cost_usd => '0.200000',
                  error_message => 'Rate limit of 100% reached_now',
                  metadata => { tenant => 'umbrella' } },
         span(type => 'llm', model => 'claude')),
    make(run => { agent => 'worker', started_at => iso(-300),
                  status => 'running', ended_at => undef },
         span(type => 'llm', model => 'gpt-4o'), span()),
    make(late => { agent => 'worker', started_at => iso(-400),
                   status => 'timed_out', duration_ms => 3000,
                   total_tokens => 300 }));
$other->store(trace({ agent => 'Planner', success => \1 }));

my ($planner) = grep { $_->{name} eq 'Planner' }
                     @{ $api->get('/agents')->{json} };

# what no client of /traces/batch can send
$api->sql("update agentvista.traces set name = 'Checkout Flow', session_id ="
          . " 's-1', user_id = 'u-1' where account_id = '$api->{account}'"
          . " and status = 2");

subtest 'filters' => sub {
    finds('ok bad run late');
    finds('ok bad', agent => 'Planner');
    finds('ok bad', agent_id => $planner->{id});
    finds('ok bad', agent_id => uc $planner->{id}, agent => 'Planner');
    finds('', agent_id => $planner->{id}, agent => 'worker');
    finds('', agent => 'planner');
    finds('', agent => 'nobody');
    finds('', agent_id => uuid());
    finds('ok', status => 'completed');
    finds('bad', status => 'failed');
    finds('run', status => 'running');
    finds('late', status => 'timed_out');
    finds('ok', success => 'true');
    finds('bad', success => 'false');
    finds('run late', success => 'null');
    finds('bad', outcome => 'refused');
    finds('', outcome => 'Refused');
    finds('ok bad', start => iso(-250));
    finds('run late', end => iso(-250));
    finds('bad run', start => iso(-350), end => iso(-150));
    finds('', start => iso(-150), end => iso(-350));
    finds('ok', status => 'completed', agent => 'Planner', success => 'true');
    finds('ok bad', q => 'PLAN');
    finds('bad', q => 'checkout');
    finds('bad', q => 'LIMIT OF');
    finds('bad', q => '%');
    finds('', q => '%_');
    finds('bad', error => '100%');
    finds('bad', error => 'D_N');
    finds('', error => '_limit');
    finds('ok run', model => 'gpt-4o');
    finds('bad', model => 'claude');
    finds('', model => 'gpt');
    finds('ok', model => 'gpt-4o', status => 'completed');
    finds('ok', metadata => '{"tenant":"acme"}');
    finds('ok', metadata => '{"tenant":"acme","tier":"3","ok":true}');
    finds('ok', metadata => '{"tier":3}');
    finds('ok', metadata => '{"we\"ird \'key":"it\'s"}');
    finds('', metadata => '{"tenant":"acme","tier":"4"}');
    finds('', metadata => '{"none":"x"}');
    finds('ok bad run late', metadata => '{}');
    finds('bad', session_id => 's-1');
    finds('bad', user_id => 'u-1');
    finds('', user_id => 's-1');
    finds('bad', session_id => 's-1', user_id => 'u-1', agent => 'Planner',
          start => iso(-350));
    finds('', session_id => 's-1', user_id => 'u-2');
    finds('', agent => 'worker', $_->[0] => $_->[1])
        for [session_id => 's-1'], [user_id => 'u-1'];
    for my $some ([session_id => 's-1'], [user_id => 'u-1'],
                  [agent => 'Planner'])
    {
        finds('', @$some, start => iso(-50));
        finds('', @$some, end => iso(-350));
        finds('', @$some, agent_id => uuid());
    }
    finds('ok bad', min_cost => '0.1');
    finds('ok', max_cost => '1e-1');
    finds('bad', min_cost => '0.1000001');
    finds('bad late', min_duration_ms => 2000);
    finds('bad', min_duration_ms => '1000.5', max_duration_ms => 2000);
    finds('late', min_tokens => 300);
    finds('ok', max_tokens => 299.5);
    finds('', min_cost => 5, max_cost => 1);
};


subtest 'empty parameters are as if absent' => sub {
    finds('ok bad run late', join '&', map { "$_=" } qw(agent_id agent status
        success outcome start end q model error metadata session_id user_id
        min_cost max_tokens page page_size cursor));
    finds('ok bad run late', 'page');
    finds('ok bad run late', '&&=&=x&page=1&');
};


subtest 'encodings' => sub {
    $api->store(make(odd => { agent => "a+b c&d=\x{e9}\x{1F600}%",
                              started_at => iso(-500) }));
    my ($odd) = grep { $_->{name} =~ /^a\+b/ } @{ $api->get('/agents')->{json} };

    finds('odd', 'agent=a%2Bb+c%26d%3D%c3%A9%F0%9f%98%80%25');
    finds('odd', 'agent=a%2Bb%20c%26d=%C3%A9%F0%9F%98%80%');
    finds('odd', '%61gent=a%2bb+c%26d=%C3%A9%F0%9F%98%80%25');
    finds('', 'agent=a+b+c%26d');
    finds('ok bad', 'start=' . iso(-250) =~ s/Z/+00:00/r);
    finds('ok bad', 'start=' . Api::escape(iso(-250) =~ s/Z/+00:00/r));
    finds('ok bad', 'start=' . iso(-250) =~ s/Z//r);
};


subtest 'what is malformed is named' => sub {
    $api->refuses($path, @$_)
        for ['agent_id=x', 'agent_id'], ['status=done', 'status'],
            ['status=Completed', 'status'], ['success=1', 'success'],
            ['success=TRUE', 'success'], ['start=yesterday', 'start'],
            ['end=2026-02-30T00:00:00Z', 'end'], ['end=99999999999', 'end'],
            ['start=3000-01-01T00:00:00Z', 'start'],
            ['min_cost=NaN', 'min_cost'], ['max_cost=Infinity', 'max_cost'],
            ['min_cost=1e300', 'min_cost'], ['min_cost=0x1', 'min_cost'],
            ['min_duration_ms=x', 'min_duration_ms'],
            ['max_tokens=1,5', 'max_tokens'], ['metadata=x', 'metadata'],
            ['metadata=[]', 'metadata'], ['metadata={"a":{}}', 'metadata'],
            ['metadata={"a":null}', 'metadata'], ['metadata={"a"', 'metadata'],
            ['page=x', 'page'], ['page_size=1.0', 'page_size'],
            ['cursor=x', 'cursor'], ['q=%ff', 'q'], ['q=%c3%28', 'q'],
            ['q=%ed%a0%80', 'q'], ['q=a%00b', 'q'], ['agent=%00', 'agent'],
            ['status=failed&status=failed', 'status'],
            ['q=a&q=', 'q'], ['page=1&status=x&page=x', 'status'];
};


subtest 'nothing makes it fail' => sub {
    for my $query ('page=1000000000&page_size=100',
                   'cursor=' . '0' x 48, 'cursor=8' . '0' x 47 =~ s/0{3}/ff/r,
                   'min_cost=-1e11', 'max_cost=999999999999',
                   'min_tokens=' . '9' x 12, 'start=1677-09-22T00:00:00Z',
                   'end=2262-04-11T00:00:00Z', 'q=' . '%25' x 2000,
                   'metadata=' . Api::escape('{"' . 'x' x 2000 . '":"y"}'),
                   'q=\\', "q='", 'q=$1', 'agent=%24%24', 'model=%27%29--')
    {
        my $answer = $api->get($path, $query);

        like($answer->{status}, qr/^(?:200|400)$/, substr $query, 0, 40);
    }
};


subtest 'pages stay where they are while traces arrive' => sub {
    my $third = $api->stranger;
    my $now = time;
    my @at = map { iso(-1000 - int($_ / 2), $now) } 0 .. 49;    # pairs
    my @traces = map { trace({ started_at => $_ }) } @at;
    $third->store(@traces);

    my @order = map { $_->[1] } sort { $b->[0] cmp $a->[0] }
                map { ["$_->{trace}{started_at} $_->{trace}{trace_id}",
                       $_->{trace}{trace_id}] } @traces;

    my ($cursor, @seen);
    for (1 .. 100) {
        my $page = $third->get($path, page_size => 7,
                               $cursor ? (cursor => $cursor) : ())->{json};
        push @seen, map { $_->{trace_id} } @{ $page->{traces} };
        is($page->{total}, $cursor ? undef : 50, 'total') if @seen <= 14;
        $cursor = $page->{next_cursor} // last;
        $third->store(trace());
    }
    is("@seen", "@order", 'by cursor');

    my $pages = join ' ', map {
        map { $_->{trace_id} }
            @{ $third->get($path, page => $_, page_size => 10, end => $at[0])
                   ->{json}{traces} }
    } 1 .. 6;
    is($pages, "@order", 'by number');

    is(scalar @{ $api->get($path, cursor => 'f' x 16 . '0' x 32)
                     ->{json}{traces} }, 0, 'before everything');
};


# 1,300 traces of three days, the rarest of which the newest hundreds do not
# have.
subtest 'what is rare is found, however old' => sub {
    my ($rare, $neighbour) = ($api->stranger, $api->stranger);

    $_->store(trace()) for $rare, $neighbour;
    $_->sql(<<END) for $rare, $neighbour;
insert into agentvista.traces
    (account_id, trace_id, home_day, agent_id, status, started_at, span_count,
     outcome, error_message, metadata)
select t.account_id,
       ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid,
       t.home_day, t.agent_id, 2, t.started_at - n * interval '3 minutes', 1,
       case when n in (300, 700, 1290) then 'chargeback'
            when n % 2 = 0 then 'resolved' end,
       case when n in (300, 700, 1290)
            then E'Shard_17 of 100% has \\\\ no connections'
            when n % 3 = 0 then 'timeout' end,
       case when n in (300, 700, 1290)
            then '{"tenant": "umbrella", "tier": 7, "beta": true,
                   "odd \\"key": "it''s", "list": ["x"]}'::jsonb
            else '{"tenant": "acme", "tier": "x"}' end
from agentvista.traces t, generate_series(1, 1300) n
where t.account_id = '$_->{account}'
END

    my $numbers = sub {
        return map { 0 + ($_->{trace_id} =~ s/.*-//r) } @{ $_[0]{traces} };
    };
    my $found = sub {
        my $answer = $rare->get($path, @_)->{json};
        return join ' ', $answer->{total} // '-', $numbers->($answer);
    };

    is($found->(@$_), '3 300 700 1290', "by @$_")
        for [outcome => 'chargeback'], [metadata => '{"tenant":"umbrella"}'],
            [metadata => '{"tier":7}'], [metadata => '{"tier":"7"}'],
            [metadata => '{"beta":true}'], [metadata => '{"beta":"true"}'],
            [metadata => '{"tenant":"umbrella","tier":"7"}'],
            [metadata => '{"odd \\"key":"it\'s"}'],
            [metadata => '{"list":"[\\"x\\"]"}'],
            [metadata => '{"tenant":"umbrella"}', outcome => 'chargeback'],
            [error => 'shard_17 of 100%'], [error => 'has \\ NO'],
            [error => 'd_'], [error => 'shard', outcome => 'chargeback'],
            [outcome => 'chargeback', status => 'failed'];

    is($found->(@$_), '0', "nothing by @$_")
        for [outcome => 'Chargeback'], [metadata => '{"tier":"7.0"}'],
            [metadata => '{"tenant":7}'], [error => 'shard-17'],
            [error => '100% of'], [outcome => 'chargeback', success => 'true'],
            [metadata => '{"tenant":"umbrella","tier":"8"}'];

    my ($cursor, @seen);
    for (1 .. 5) {
        my $page = $rare->get($path, outcome => 'chargeback', page_size => 1,
                              $cursor ? (cursor => $cursor) : ())->{json};
        push @seen, $numbers->($page);
        $cursor = $page->{next_cursor} // last;
    }
    is("@seen", '300 700 1290', 'page by page');

    my ($at) = map { $_->{started_at} }
               @{ $rare->get($path, outcome => 'chargeback', page_size => 1,
                             page => 2)->{json}{traces} };
    is($found->(outcome => 'chargeback', end => $at), '2 700 1290', 'until');
    is($found->(outcome => 'chargeback', start => $at), '2 300 700', 'since');

    is($rare->sql(<<END), 3, 'by looking at no others');
select cardinality(f.ids)
from agentvista.traces_by_facets('$rare->{account}', null, 'chargeback', null,
         (now() - interval '4 days')::date, 100, now()::date) f
END
};


subtest 'others see nothing of it' => sub {
    is($other->get($path)->{json}{total}, 1, 'but their own');
    is($other->get($path, agent_id => $planner->{id})->{json}{total}, 0,
       'not by an id of an agent');
    is($other->get($path, session_id => 's-1')->{json}{total}, 0,
       'nor of a session');
    is($api->send(GET => $path, undef, Authorization => 'Bearer x')->{status},
       401, 'nobody without a key');
};


subtest 'methods' => sub {
    my $head = $api->send(HEAD => $path);
    is($head->{status}, 200, 'HEAD');
    is($head->{body} // '', '', 'has no body');
    is($api->send($_ => $path)->{status}, 405, $_) for qw(POST PUT DELETE);
};


subtest 'a walk that takes too long goes on with the next request' => sub {
    my $slow = $api->stranger;
    my $name = 'agentvista.traces_of_model';
    my ($found, $requests, $cursor) = (0, 0);

    $slow->store(map { trace({ started_at => iso(-$_) },
                             span(type => 'llm', model => $_ == 200 ? 'rare'
                                                                    : 'usual'))
                     } 1 .. 240);
    $slow->sql("alter function $name rename to traces_of_model_quick");
    $slow->sql(<<END);
create function $name(account uuid, ids uuid[], days date[], model_name text)
returns uuid[] language plpgsql as 'begin
    perform pg_sleep(0.6);
    return ${name}_quick(account, ids, days, model_name);
end'
END

    while ($requests++ < 10) {
        my $answer = $slow->get($path, model => 'rare',
                                $cursor ? (cursor => $cursor) : ())->{json};
        $found += @{ $answer->{traces} };
        $cursor = $answer->{next_cursor};
        is(!!$answer->{has_more}, defined $cursor, 'more, if there is a cursor');
        last if !$cursor;
    }

    is($found, 1, 'the one is found once');
    cmp_ok($requests, '>=', 2, 'in several requests');

    $slow->sql("drop function $name");
    $slow->sql("alter function ${name}_quick rename to traces_of_model");
};


is(join('', $api->{nginx}->logged(qw(alert emerg crit error))), '',
   'nothing serious in the error log');

done_testing();
