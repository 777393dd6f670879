# Agents and their statistics: agentvista.md 5.3, 5.4, 6 and 15. They are kept
# while writing, and must be what the traces say, whoever writes what when.

use strict;
use warnings;

use lib 't/lib';
use Api;
use Audit;
use JSON::PP;
use POSIX qw(strftime);
use Senders;
use Test::More;

my $api = Api->new(guard => 240, http => 'agentvista_retention 60d;');
my $other = $api->stranger;
my $unknown = '00000000-0000-4000-8000-00000000dead';

# noon of so many days ago, so that no run falls on another day
sub noon {
    my ($days) = @_;

    return strftime('%Y-%m-%d', gmtime time - 86400 * $days) . 'T12:00:00Z';
}

sub id_of {
    my ($from, $name) = @_;

    my ($agent) = grep { $_->{name} eq $name } @{ $from->get('/agents')->{json} };

    return $agent && $agent->{id};
}

sub same {
    my ($got, $expected, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($Api::Json->encode($got), $Api::Json->encode($expected), $name);
}


subtest 'nothing yet' => sub {
    my $answer = $api->get('/agents');

    is($answer->{status}, 200, 'the list of agents');
    same($answer->{json}, [], 'is a bare, empty array');
    is($api->get("/agents/$unknown$_")->{status}, 404, "no agent$_")
        for '', '/stats', '/runs', '/outcomes';
};


our ($a, $b);

subtest 'the list and the details' => sub {
    $api->store(
        trace({ agent => 'b', status => 'completed', started_at => noon(3),
                ended_at => undef, duration_ms => 100, success => \1,
                outcome => 'good', total_tokens => 10,
                total_cost_usd => '0.100000' }),
        trace({ agent => 'b', status => 'failed', started_at => noon(2),
                ended_at => undef, duration_ms => 900, success => \0,
                outcome => 'bad', total_cost_usd => '0.200001' }),
        trace({ agent => 'b', status => 'completed', started_at => noon(1),
                ended_at => undef, duration_ms => 300, success => \1,
                outcome => 'good', total_tokens => 20 }),
        trace({ agent => 'b', status => 'running', started_at => noon(1),
                ended_at => undef }),
        trace({ agent => 'a', started_at => noon(1), ended_at => undef }));
    $other->store(trace({ agent => 'b' }));

    my $list = $api->get('/agents')->{json};

    is(join(' ', map { $_->{name} } @$list), 'a b', 'by name');
    ($a, $b) = map { $_->{id} } @$list;
    like(delete $_->{created_at}, qr/^20\d\d-\d\d-\d\dT[\d:.]+Z$/,
         'created_at') for @$list;

    my %none = (success_rate => undef, total_cost => undef,
                avg_cost_per_run => undef);
    my %b = (id => $b, name => 'b', total_runs => 4, success_rate => 66.7,
             total_cost => 0.300001, avg_cost_per_run => 0.150001,
             last_run_at => noon(1));

    same($list->[0], { id => $a, name => 'a', total_runs => 1,
                       last_run_at => noon(1), %none }, 'one without signals');
    same($list->[1], \%b, 'one with some');

    my $detail = $api->get("/agents/$b")->{json};
    delete $detail->{created_at};
    same($detail, { %b, successful_runs => 2, failed_runs => 1 }, 'its detail');

    is($other->get("/agents/$a")->{status}, 404, 'not for others');
    is($api->get('/agents/x')->{status}, 404, 'no such id can be');
    is($api->send(POST => '/agents', {})->{status}, 405, 'read-only');
    $api->audit('a few runs');
};


subtest 'statistics by day' => sub {
    my $stats = $api->get("/agents/$b/stats")->{json};

    is($stats->{agent_id}, $b, 'agent_id');
    is($stats->{agent_name}, 'b', 'agent_name');
    is($stats->{period}, '7d', '7 days by default');
    is(join(' ', map { $_->{date} } @{ $stats->{data} }),
       join(' ', map { substr noon(6 - $_), 0, 10 } 0 .. 6), 'oldest first');

    my %empty = (total_runs => 0, successful_runs => 0, failed_runs => 0,
                 success_rate => undef, total_cost => 0, total_tokens => 0,
                 avg_duration_ms => undef, p95_duration_ms => undef);

    delete $_->{date} for @{ $stats->{data} };
    same($stats->{data}[6], \%empty, 'a day without runs');
    same($stats->{data}[3], { %empty, total_runs => 1, successful_runs => 1,
                              success_rate => 100.0, total_cost => 0.1,
                              total_tokens => 10, avg_duration_ms => 100,
                              p95_duration_ms => 100 }, 'a good day');
    same($stats->{data}[4], { %empty, total_runs => 1, failed_runs => 1,
                              success_rate => 0.0, total_cost => 0.200001 },
         'a bad day: durations are of completed runs');
    same($stats->{data}[5], { %empty, total_runs => 2, successful_runs => 1,
                              success_rate => 100.0, total_tokens => 20,
                              avg_duration_ms => 300, p95_duration_ms => 300 },
         'runs without a signal do not count in the rate');

    for (['7', 7], ['30', 30], ['90', 90], ['31', 7], ['0', 7], ['-7', 7],
         ['x', 7], ['', 7], ['7.5', 7], ['9' x 30, 7], ['30%00', 7],
         ['%ff', 7], ['30&days=30', 7])
    {
        my ($days, $n) = @$_;
        my $answer = $api->get("/agents/$b/stats", "days=$days");

        is(join(' ', $answer->{status}, $answer->{json}{period} // '',
                scalar @{ $answer->{json}{data} // [] }), "200 ${n}d $n",
           "days=$days");
    }

    is($other->get("/agents/$b/stats")->{status}, 404, 'not for others');
};


subtest 'two agents compared' => sub {
    my $answer = $api->get('/dashboard/traces/compare-agents',
                           agent_a => uc $b, agent_b => $a =~ s/-//gr);

    is($answer->{status}, 200, 'compared');
    same($answer->{json}, { agents => [
        { agent_id => $b, agent_name => 'b', total_runs => 4,
          successful_runs => 2, failed_runs => 1, success_rate => 66.7,
          total_cost => 0.300001, avg_cost_per_run => 0.150001,
          avg_duration_ms => 200, p95_duration_ms => 290, total_tokens => 30,
          avg_tokens_per_run => 15.0, last_run_at => noon(1) },
        { agent_id => $a, agent_name => 'a', total_runs => 1,
          successful_runs => 0, failed_runs => 0, success_rate => undef,
          total_cost => undef, avg_cost_per_run => undef,
          avg_duration_ms => undef, p95_duration_ms => undef,
          total_tokens => undef, avg_tokens_per_run => undef,
          last_run_at => noon(1) }] }, 'in that order');

    my $twice = $api->get('/dashboard/traces/compare-agents',
                          agent_a => $a, agent_b => $a)->{json}{agents};
    same($twice->[0], $twice->[1], 'with itself');

    $api->refuses('/dashboard/traces/compare-agents', "agent_b=$b", 'agent_a');
    $api->refuses('/dashboard/traces/compare-agents', "agent_a=$b", 'agent_b');
    $api->refuses('/dashboard/traces/compare-agents', "agent_a=$b&agent_b=x",
                  'agent_b');
    $api->refuses('/dashboard/traces/compare-agents',
                  "agent_a=$b&agent_a=$b&agent_b=$b", 'agent_a');
    is($other->get('/dashboard/traces/compare-agents',
                   agent_a => id_of($other, 'b'), agent_b => $b)->{status},
       404, "another's agent is not found");
};


subtest 'outcomes' => sub {
    my $good = { outcome => 'good', count => 2, success_rate => 100.0,
                 avg_cost => 0.1 };
    my $none = { outcome => undef, count => 1, success_rate => undef,
                 avg_cost => undef };

    same($api->get("/agents/$b/outcomes")->{json},
         [$good, { outcome => 'bad', count => 1, success_rate => 0.0,
                   avg_cost => 0.200001 }, $none], 'the most frequent first');
    same($api->get("/agents/$a/outcomes")->{json},
         [{ %$none, count => 1 }], 'none');
    is($other->get("/agents/$b/outcomes")->{status}, 404, 'not for others');
};


subtest 'runs by page and by cursor' => sub {
    my @ids = map { $_->{trace}{trace_id} }
              (my @traces = map { trace({ agent => 'pages',
                                          started_at => iso(-1000 - $_) }) }
                            1 .. 25);
    $api->store(@traces);

    my $id = id_of($api, 'pages');
    my $page = $api->get("/agents/$id/runs")->{json};

    is(join(' ', map { $_->{trace_id} } @{ $page->{traces} }),
       join(' ', @ids[0 .. 19]), 'newest first, twenty of them');
    is(join(' ', @$page{qw(total page page_size)},
            $page->{has_more} ? 'more' : 'end'), '25 1 20 more', 'envelope');
    same([sort keys %{ $page->{traces}[0] }],
         [sort qw(trace_id agent_id agent_name name status started_at ended_at
                  duration_ms success outcome error_message total_tokens
                  total_cost_usd session_id user_id span_count)], 'summaries');

    $page = $api->get("/agents/$id/runs", page => 2)->{json};
    is(join(' ', map { $_->{trace_id} } @{ $page->{traces} }),
       join(' ', @ids[20 .. 24]), 'the second page');
    is($page->{has_more} ? 'more' : 'end', 'end', 'is the last');

    my (@seen, $cursor);
    do {
        $page = $api->get("/agents/$id/runs", page_size => 7,
                          $cursor ? (cursor => $cursor) : ())->{json};
        push @seen, map { $_->{trace_id} } @{ $page->{traces} };
        $cursor = $page->{next_cursor};

        # what arrives meanwhile does not move the pages to come
        $api->store(trace({ agent => 'pages' }));
    } while ($cursor);
    is(join(' ', @seen), join(' ', @ids), 'all of them by cursor');

    for (['page_size=0', 1], ['page_size=-5', 1], ['page_size=1000', 29],
         ['page_size=' . '9' x 40, 29], ['page=0', 20], ['page=-3', 20],
         ['page=99999999999999999999', 0], ['page_size=%2B3', 3],
         ['unknown=x', 20])
    {
        my ($query, $n) = @$_;
        my $answer = $api->get("/agents/$id/runs", $query);

        is(join(' ', $answer->{status},
                scalar @{ $answer->{json}{traces} // [] }), "200 $n", $query);
    }

    $api->refuses("/agents/$id/runs", @$_)
        for ['page_size=x', 'page_size'], ['page=1.5', 'page'],
            ['page=1&page=2', 'page'], ['cursor=x', 'cursor'],
            ['cursor=' . 'f' x 47 . 'g', 'cursor'],
            ['cursor=7' . 'f' x 47, 'cursor'], ['page=%00', 'page'];
    is($other->get("/agents/$id/runs")->{status}, 404, 'not for others');
};


subtest 'feedback' => sub {
    my $t = trace({ agent => 'feedback', started_at => noon(1),
                    outcome => 'first', status => 'running' });
    my $id = $t->{trace}{trace_id};
    my $path = "/dashboard/traces/$id/outcome";

    $api->store($t);
    my $agent = id_of($api, 'feedback');
    my $rate = sub { $api->get("/agents/$agent")->{json}{success_rate} };

    is($rate->(), undef, 'no signal yet');

    my $answer = $api->send(PATCH => $path, { success => \0 });
    is($answer->{status}, 200, 'a signal');
    same($answer->{json}, { trace_id => $id, success => \0,
                            outcome => 'first' },
         'the label is kept if none is given');
    is($rate->(), 0, 'counts at once');

    same($api->send(PATCH => $path, { success => \1, outcome => 'saved' })
             ->{json}, { trace_id => $id, success => \1, outcome => 'saved' },
         'another one');
    is($rate->(), 100, 'counts instead');
    is($api->get("/agents/$agent/outcomes")->{json}[0]{outcome}, 'saved',
       'and so does its label');

    same($api->send(PATCH => $path, { success => \1, outcome => undef })
             ->{json}, { trace_id => $id, success => \1, outcome => undef },
         'null clears the label');

    # the run ends, and then turns out to be another agent's
    (my $earlier = noon(1)) =~ s/T12/T11/;

    for my $header ({ agent => 'feedback', started_at => noon(1) },
                    { agent => 'feedback 2', started_at => $earlier })
    {
        $api->store(trace({ trace_id => $id, status => 'completed',
                            success => \0, outcome => 'late', %$header }));
        my $now = $api->get("/dashboard/traces/$id")->{json};
        same([@$now{qw(agent_name status success outcome)}],
             [$header->{agent}, 'completed', \1, undef],
             'ingestion does not overwrite it');
    }

    my $body = sub { join ' ', $_[0]{status}, $_[0]{json}{detail} // '' };

    is($body->($api->send(PATCH => $path, $_->[0])), "400 $_->[1]", $_->[1])
        for [{}, 'success: field required'],
            [{ success => undef }, 'success: must not be null'],
            [{ success => 'true' }, 'success: must be true or false'],
            [{ success => 1 }, 'success: must be true or false'],
            [{ success => \1, outcome => 7 }, 'outcome: must be a string'],
            [[], 'body: must be a JSON object'],
            ['{"success":tru', 'body: must be a JSON object'],
            ['', 'body: must be a JSON object'];

    is($api->send(PATCH => $path, '{}', 'Content-Type' => 'text/plain')
           ->{status}, 415, 'another media type');
    is($api->send(PATCH => $path, 'x' x 300_000)->{status}, 413, 'too large');
    is($other->send(PATCH => $path, { success => \0 })->{status}, 404,
       "another's trace is not found");
    is($api->send(PATCH => "/dashboard/traces/$unknown/outcome",
                  { success => \0 })->{status}, 404, 'nor an unknown one');
    is($api->send(PATCH => '/dashboard/traces/x/outcome',
                  { success => \0 })->{status}, 404, 'nor a malformed id');
    is($api->send(PATCH => $path, { success => \1, outcome => "a\0b\x{1F600}" })
           ->{json}{outcome}, "ab\x{1F600}", 'NULs go');

    $api->audit('feedback');
};


subtest 'late parts, takeovers and retention' => sub {
    my $id = uuid();
    my $at = noon(2);

    $api->store(trace({ trace_id => $id, agent => 'callee', status => 'running',
                        started_at => $at, ended_at => undef },
                      span(type => 'llm', cost_usd => '0.5',
                           total_tokens => 7)));
    $api->store(trace({ trace_id => $id, agent => 'callee',
                        status => 'completed', started_at => $at,
                        duration_ms => 50, ended_at => undef },
                      span(type => 'llm', cost_usd => '0.25',
                           total_tokens => 3)));

    my $callee = id_of($api, 'callee');
    my $sums = $api->get("/agents/$callee/stats")->{json}{data}[4];
    is(join(' ', @$sums{qw(total_runs total_cost total_tokens
                           avg_duration_ms)}), '1 0.75 10 50',
       'a run that has ended, with the sums of all its spans');
    $api->audit('late parts');

    (my $earlier = $at) =~ s/T12/T11/;
    $api->store(trace({ trace_id => $id, agent => 'caller',
                        started_at => $earlier, duration_ms => 70,
                        ended_at => undef }));
    is($api->get("/agents/$callee")->{json}{total_runs}, 0,
       'a caller that reports later takes it over');
    is($api->get('/agents/' . id_of($api, 'caller'))->{json}{total_cost}, 0.75,
       'with all it has');
    $api->audit('a takeover');

    # what is not folded yet may move the last run back
    my $moved = uuid();
    my $last_run = sub {
        $api->get('/agents/' . id_of($api, 'mover'))->{json}{last_run_at};
    };
    $api->store(trace({ agent => 'mover', started_at => noon(3),
                        ended_at => undef }),
                trace({ trace_id => $moved, agent => 'mover',
                        started_at => noon(1), ended_at => undef }));
    $api->sql('select agentvista.fold_statistics()');
    is($last_run->(), noon(1), 'the last run');
    $api->sql("update agentvista.traces set started_at = '@{[noon(2)]}'"
              . " where trace_id = '$moved'");
    is($last_run->(), noon(2), 'begins earlier than was known');
    $api->sql('select agentvista.fold_statistics()');
    is($last_run->(), noon(2), 'also when that is folded');

    # as maintenance does
    $api->sql("delete from agentvista.traces where account_id ="
              . " '$api->{account}' and agent_id = '$b'");
    my $gone = $api->get("/agents/$b")->{json};
    is("$gone->{total_runs} $gone->{last_run_at}", "4 " . noon(1),
       'what retention removes was there all the same');
    is($api->get("/agents/$b/runs")->{json}{total}, 0, 'but is no more');
    $api->sql("select agentvista.fold_statistics()");
    is($api->get("/agents/$b")->{json}{total_runs}, 4, 'folded as well');
    $api->audit('retention');
};


subtest 'percentiles of many runs' => sub {
    $api->store(map {
        trace({ agent => 'many', started_at => noon(1), ended_at => undef,
                duration_ms => $_ })
    } 1 .. 1000);

    my $id = id_of($api, 'many');
    my $p95 = sub {
        $api->get('/dashboard/traces/compare-agents', agent_a => $id,
                  agent_b => $id)->{json}{agents}[0]{p95_duration_ms}
    };
    my $by_day = sub {
        $api->get("/agents/$id/stats")->{json}{data}[5]{p95_duration_ms}
    };

    for ('not folded', 'folded') {
        cmp_ok(abs($p95->() / 950.05 - 1), '<=', 0.02, "$_: within 2 %");
        cmp_ok(abs($by_day->() / 950.05 - 1), '<=', 0.02, "$_: of a day");
        $api->sql('select agentvista.fold_statistics()');
    }

    $api->audit('many runs');
};


subtest 'what is noted is folded soon, by nobody in particular' => sub {
    my $pending = "select count(*) from agentvista.agent_changes";
    my ($left, $tries);

    $api->store(trace({ agent => 'folded', started_at => noon(0),
                        duration_ms => 5, ended_at => undef }));

    for ($tries = 0; $tries < 100; $tries++) {
        $left = $api->sql($pending);
        last if $left == 0;
        select(undef, undef, undef, 0.1);
    }

    is($left, 0, 'nothing is left to fold');
    is($api->get('/agents/' . id_of($api, 'folded'))->{json}{total_runs}, 1,
       'and nothing is lost');
    $api->audit('after a fold');
};


subtest 'accounts that share a flush' => sub {
    my @apis = map { $api->stranger } 1 .. 3;
    my $json = $Api::Json;

    for my $one (@apis) {
        $one->{sent} = Senders->start(
            port => $api->{nginx}{port}, key => $one->{key}, connections => 4,
            batches => 100, drain => 20, make => sub {
                my @some = map { uuid() } 1 .. 2;

                return ($json->encode({ traces => [map {
                    trace({ trace_id => $_, agent => 'shared-' . int rand 3,
                            started_at => iso(-rand 100000),
                            duration_ms => 1 + int rand 5000,
                            success => (undef, \0, \1)[rand 3],
                            outcome => (undef, 'x', 'y')[rand 3],
                            total_tokens => (undef, 7)[rand 2] })
                } @some] }), \@some, 0);
            });
    }

    for my $one (@apis) {
        my $record = $one->{sent}->wait;
        is($record->{status}{200}, 100, 'all are acknowledged');

        my $runs = 0;
        $runs += $_->{total_runs} for @{ $one->get('/agents')->{json} };
        is($runs, 200, 'each run counts once, for its account');
    }

    $api->audit('all accounts');
};


subtest 'under concurrent ingestion and feedback' => sub {
    my $to = $api->stranger;
    my @ids = map { uuid() } 1 .. 60;
    my $json = $Api::Json;

    my $senders = Senders->start(
        port => $api->{nginx}{port}, key => $to->{key}, connections => 16,
        batches => 600, resend => 1, drain => 20, make => sub {
            my @some = map { $ids[rand @ids] } 1 .. 3;
            my %seen;
            @some = grep { !$seen{$_}++ } @some;

            return ($json->encode({ traces => [map {
                trace({ trace_id => $_, agent => 'agent-' . int rand 4,
                        status => (qw(running completed failed))[rand 3],
                        started_at => iso(-rand 100000),
                        duration_ms => 1 + int rand 5000,
                        success => (undef, \0, \1)[rand 3],
                        outcome => (undef, 'x', 'y')[rand 3],
                        total_cost_usd => (undef, '0.01')[rand 2] },
                      map { span(type => 'llm', cost_usd => '0.001',
                                 total_tokens => 5) } 1 .. 2) } @some] }),
                    \@some, 0);
        });

    my $patched = 0;
    for (1 .. 200) {
        my $answer = $to->send(PATCH => '/dashboard/traces/'
                                        . $ids[rand @ids] . '/outcome',
                               { success => (\0, \1)[rand 2],
                                 outcome => "z$_" });
        $patched++ if $answer->{status} == 200;
    }

    my $record = $senders->wait;
    is($record->{status}{200}, 600, 'all are acknowledged')
        or diag(explain($record->{status}));
    cmp_ok($patched, '>', 0, "$patched signals between them");
    $api->audit('then');

    my $runs = 0;
    $runs += $_->{total_runs} for @{ $to->get('/agents')->{json} };
    is($runs, $to->sql("select count(*) from agentvista.traces where"
                       . " account_id = '$to->{account}'"), 'each run counts');

    $api->sql('select agentvista.fold_statistics()');
    $api->audit('and folded');
};


subtest 'the check finds what is wrong' => sub {
    $api->sql('update agentvista.agent_days set completed = completed + 1'
              . ' where (account_id, agent_id, day) in (select account_id,'
              . " agent_id, day from agentvista.agent_days where day <>"
              . " '-infinity' limit 1)");
    my $found = `./scripts/check-statistics '@{[ $api->{pg}->conninfo ]}'`;
    is($? >> 8, 1, 'a wrong number ends it with 1');
    like($found, qr/completed: \d+ in the statistics, \d+ in the traces/,
         'and is printed');

    $api->sql("update agentvista.agent_days set timed = timed + 1,"
              . " last_run_at = '2001-01-01' where day = '-infinity'");
    $found = `./scripts/check-statistics '@{[ $api->{pg}->conninfo ]}'`;
    like($found, qr/in all, timed: \d+ as kept, \d+ as the sum/,
         'of all time, too');
    like($found, qr/last run: 978307200\.0+ as kept/, 'and the last run');
};


is(join('', $api->{nginx}->logged(qw(alert emerg crit error))), '',
   'nothing serious in the error log');

done_testing();
