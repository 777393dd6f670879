# Many clients at once with the same ids, or with one quota: rows once, agents
# once, charged once, and a limit that is reached exactly and never passed,
# whatever dies meanwhile.

use strict;
use warnings;

use lib 't/lib';
use Audit;
use PrivateNginx;
use PrivatePostgres;
use Senders;
use Test::More;
use Time::HiRes qw(sleep time);
use Time::Local qw(timegm);

PrivateNginx::guard(150);

my $pg = PrivatePostgres->new;
my $nginx = PrivateNginx->new(database => $pg->conninfo, workers => 3,
                              timeout => '15s');

ok($nginx->ready, 'nginx is ready');


sub post {
    my ($key, @body) = @_;

    return $nginx->post($key, Senders::body(@body))->{status};
}


# Sends batches made by a function of their number; 429 is an answer as well.
sub race {
    my ($key, $batches, $make, %option) = @_;

    return Senders->start(port => $nginx->{port}, key => $key,
                          connections => 32, batches => $batches,
                          make => $make, resend => 1, drain => 20,
                          %option);
}


# The spans that were acknowledged, and what the database has of them.
sub acknowledged {
    my ($record) = @_;

    my $spans = 0;
    $spans += $_->[1] for Audit::acknowledged($record);

    return $spans;
}


sub admin {
    system("./scripts/admin --database '" . $pg->conninfo
           . "' @_ > /dev/null") == 0
        or die "scripts/admin @_ failed";
}


subtest 'the same traces and spans from everybody at once' => sub {
    my ($account, $key) = Audit::account($pg);

    # 40 traces of 5 spans, each sent 40 times: whole, and in two parts that
    # overlap, each with the same header.
    my @ids = map { Senders::uuid() } 1 .. 40;
    my %spans = map { $_ => [map { Senders::uuid() } 1 .. 5] } @ids;

    my $record = race($key, 1600, sub {
        my ($number) = @_;

        my $id = $ids[int $number / 40];
        my @part = ([0 .. 4], [0 .. 2], [2 .. 4], [3, 4, 0])[$number % 4]->@*;

        return (Senders::body([$id], scalar @part, agent => 'the same',
                              span_ids => [@{ $spans{$id} }[@part]]),
                [$id], scalar @part);
    }, resend => 0)->wait;

    is($record->{status}{200}, 1600, 'all are acknowledged')
        or diag(explain($record->{status}));
    is($pg->sql("select count(*) from agentvista.traces"
                . " where account_id = '$account'"), 40, 'each trace is there');
    is(Audit::stored($pg, $account), 200, 'each span is there once');
    is(Audit::charged($pg, $account), 200, 'and charged once');
    is($pg->sql("select count(*) from agentvista.agents"
                . " where account_id = '$account'"), 1, 'one agent');
    is($pg->sql("select count(*) from agentvista.traces where account_id ="
                . " '$account' and (span_count <> 5 or span_tokens <> 75"
                . " or span_cost_usd <> 0.000625)"), 0, 'the sums are right');
    Audit::tell('same ids', $record);
};


subtest 'the same traces in batches of many, in any order' => sub {
    my ($account, $key) = Audit::account($pg);

    # Transactions that touch the same traces in different orders must not
    # wait for each other in a circle.
    my @ids = map { Senders::uuid() } 1 .. 30;
    my %spans = map { $_ => [map { Senders::uuid() } 1 .. 3] } @ids;

    my $record = race($key, 400, sub {
        my @some = sort { rand() <=> 0.5 } @ids;
        $#some = 9;

        my @traces = map {
            my $text = Senders::body([$_], 3, span_ids => $spans{$_},
                                     agent => 'agent-' . int rand 8);
            $text =~ s/^\{"traces":\[(.*)\]\}$/$1/s;
            $text;
        } @some;

        return ('{"traces":[' . join(',', @traces) . ']}', \@some, 3);
    }, resend => 0)->wait;

    is($record->{status}{200}, 400, 'all are acknowledged')
        or diag(explain($record->{status}));
    is(Audit::stored($pg, $account), 90, 'each span is there once');
    is(Audit::charged($pg, $account), 90, 'and charged once');
    is($pg->sql("select count(*) from agentvista.agents"
                . " where account_id = '$account'"), 8, 'each agent once');
    Audit::sound($pg, $account, 'any order', $record);
    Audit::tell('any order', $record);
};


subtest 'two accounts may use the same ids' => sub {
    my @accounts = map { [Audit::account($pg)] } 1, 2;
    my @ids = map { Senders::uuid() } 1 .. 100;
    my @spans = map { Senders::uuid() } 1 .. 2;

    my $record = race([map { $_->[1] } @accounts], 800, sub {
        my ($number) = @_;

        my $id = $ids[$number / 2 % 100];

        return (Senders::body([$id], 2, span_ids => \@spans), [$id], 2);
    })->wait;

    is($record->{status}{200}, 800, 'all are acknowledged');
    is(Audit::stored($pg, $_->[0]), 200, 'each has its own') for @accounts;
    is(Audit::charged($pg, $_->[0]), 200, 'and pays its own') for @accounts;
};


subtest 'single spans race for a quota' => sub {
    my ($account, $key) = Audit::account($pg, events_limit => 500);

    my $record = race($key, 900, sub {
        my $id = Senders::uuid();
        return (Senders::body([$id], 1), [$id], 1);
    })->wait;

    is($record->{status}{200}, 500, 'as many as there is room for')
        or diag(explain($record->{status}));
    is($record->{status}{429}, 400, 'the others are refused');
    is(Audit::stored($pg, $account), 500, 'stored');
    is(Audit::charged($pg, $account), 500, 'and charged');

    my ($refused) = grep { $_->[2] eq '429' } @{ $record->{batches} };
    is($refused->[3], '{"detail":"Monthly event limit exceeded."}',
       'in the words of the contract');
    Audit::tell('single spans', $record);
};


subtest 'batches of all sizes race for a quota' => sub {
    my ($account, $key) = Audit::account($pg, events_limit => 1000);

    my $record = race($key, 400, sub {
        my $id = Senders::uuid();
        my $spans = 1 + int rand 20;
        return (Senders::body([$id], $spans), [$id], $spans);
    })->wait;

    my $stored = Audit::stored($pg, $account);

    cmp_ok($stored, '<=', 1000, 'never more than the limit');
    cmp_ok($stored, '>', 1000 - 20, 'and little less');
    is(acknowledged($record), $stored, 'what was acknowledged is stored');
    is(Audit::charged($pg, $account), $stored, 'and charged');

    # the rest of it, by single spans
    my $rest = 1000 - $stored;
    my $more = race($key, 32, sub {
        my $id = Senders::uuid();
        return (Senders::body([$id], 1), [$id], 1);
    })->wait;

    is($more->{status}{200} // 0, $rest, "and the last $rest can be had");
    is(Audit::stored($pg, $account), 1000, 'exactly');
    Audit::sound($pg, $account, 'sizes', $record, $more);
};


subtest 'what is stored is free, even without quota' => sub {
    my ($account, $key) = Audit::account($pg, events_limit => 101);

    my @ids = map { Senders::uuid() } 1 .. 20;
    my %spans = map { $_ => [map { Senders::uuid() } 1 .. 5] } @ids;

    my $batch = sub {
        my $id = $ids[$_[0] % 20];
        return (Senders::body([$id], 5, span_ids => $spans{$id}), [$id], 5);
    };

    is(race($key, 20, $batch)->wait->{status}{200}, 20, 'stored');
    is(race($key, 200, $batch)->wait->{status}{200}, 200,
       'with room for one, again: all are acknowledged');
    is(Audit::charged($pg, $account), 100, 'and nothing is charged');

    # four old spans and two new ones do not fit, five and one do
    is(post($key, [$ids[0]], 6, span_ids => [@{ $spans{$ids[0]} }[0 .. 3],
                                             Senders::uuid(),
                                             Senders::uuid()]), 429,
       'two new ones are too many');
    is(post($key, [$ids[0]], 6, span_ids => [@{ $spans{$ids[0]} },
                                             Senders::uuid()]), 200,
       'one fits');
    is(Audit::charged($pg, $account), 101, 'the limit is reached');
};


subtest 'a limit changes under load' => sub {
    my ($account, $key) = Audit::account($pg, name => 'changing',
                                         events_limit => 300);

    my $senders = race($key, undef, sub {
        my $id = Senders::uuid();
        return (Senders::body([$id], 1), [$id], 1);
    }, pause => 0.01, connections => 16);

    my $reached = sub {
        my ($limit) = @_;

        PrivateNginx::wait_for(10, sub {
            Audit::charged($pg, $account) >= $limit
        });
        sleep 0.5;
        is(Audit::charged($pg, $account), $limit, "$limit, exactly");
    };

    $reached->(300);
    admin('account limit changing 700');
    $reached->(700);
    admin('account limit changing 650');
    sleep 0.3;
    is(Audit::charged($pg, $account), 700, 'a lower one takes nothing away');
    admin('account limit changing none');
    ok(PrivateNginx::wait_for(10, sub {
        Audit::charged($pg, $account) >= 1200
    }), 'none lets everything pass');

    my $record = $senders->stop;
    my %found = Audit::sound($pg, $account, 'changing limit', $record);

    is(acknowledged($record), Audit::stored($pg, $account),
       'what was acknowledged is stored');
    Audit::tell('changing limit', $record, %found);
};


subtest 'the month changes at midnight, UTC' => sub {
    my ($account, $key) = Audit::account($pg, events_limit => 100);

    my (undef, undef, undef, undef, $month, $year) = gmtime;
    my $turn = timegm(0, 0, 0, 1, ($month + 1) % 12,
                      $year + ($month == 11));
    my @months = map { sprintf '%d-%02d-01', $_->[0] + 1900, $_->[1] + 1 }
                     [$year, $month], [(gmtime $turn)[5, 4]];

    my $early = 4;
    my $midnight = time + $early;
    my $ahead = PrivateNginx->new(database => $pg->conninfo, workers => 2,
                                  clock => $turn - $early - int time,
                                  http => 'agentvista_retention 60d;');
    ok($ahead->ready, 'nginx is ready, whose clock is ahead');

    my $single = sub {
        my $id = Senders::uuid();
        return (Senders::body([$id], 1), [$id], 1);
    };

    my $first = race($key, 90, $single, port => $ahead->{port})->wait;
    is($first->{status}{200}, 90, 'in the old month there is room for 90');

    # Ten more are under way while the month changes.
    $pg->hold('agentvista.traces', $midnight + 1.5 - time);
    my $late = race($key, 20, $single, port => $ahead->{port});

    sleep $midnight + 2 - time;
    $late = $late->wait;

    cmp_ok($late->{slowest}, '>', 1, 'some have waited over midnight');
    is($late->{status}{200}, 20, 'ten of the old month, ten of the new one')
        or diag(explain($late->{status}));

    my $second = race($key, 150, $single, port => $ahead->{port})->wait;
    is($second->{status}{200}, 90, 'the new month has room for 90 more')
        or diag(explain($second->{status}));

    is($pg->sql("select string_agg(month || ' ' || events, ', ' order by"
                . " month) from (select month, sum(events) as events"
                . " from agentvista.usage where account_id = '$account'"
                . " group by month) u"),
       "$months[0] 100, $months[1] 100", 'each month is charged its own');

    $ahead->quit;
};


subtest 'nginx and Postgres die while clients race for a quota' => sub {
    my $limit = 5000;
    my ($account, $key) = Audit::account($pg, events_limit => $limit);

    my $senders = race($key, undef, sub {
        my $id = Senders::uuid();
        my $spans = 1 + int rand 3;
        return (Senders::body([$id], $spans), [$id], $spans);
    }, pause => 0.1);

    for my $death (sub { $nginx->kill_worker },
                   sub { $nginx->kill; $nginx->start },
                   sub { $pg->kill; $pg->start },
                   sub { $nginx->reload },
                   sub { $nginx->quit; $nginx->start },
                   sub { $nginx->kill_worker; $pg->kill; $pg->start })
    {
        sleep 0.4;
        $death->();
        $nginx->ready;
    }

    PrivateNginx::wait_for(10, sub {
        Audit::charged($pg, $account) >= $limit - 2
    });

    my $record = $senders->stop;
    my $stored = Audit::stored($pg, $account);
    my %found = Audit::sound($pg, $account, 'deaths', $record);

    is(Audit::charged($pg, $account), $stored, 'charged for what is stored');
    cmp_ok($stored, '<=', $limit, 'never more than the limit');

    my $more = race($key, 32, sub {
        my $id = Senders::uuid();
        return (Senders::body([$id], 1), [$id], 1);
    })->wait;

    is(Audit::stored($pg, $account), $limit, 'which is reached exactly');
    Audit::tell('deaths', $record, %found);
};


Audit::sound($pg, undef, 'all accounts');

is(join('', grep { !/exited on signal 9/ } $nginx->logged(qw(alert emerg))),
   '', 'nothing serious in the error log');
$nginx->quit;

open my $log, '<', "$pg->{dir}/log" or die $!;
my @deadlocks = grep { /deadlock detected/ } <$log>;
is(@deadlocks, 0, 'no deadlock in the log of Postgres');

done_testing();
