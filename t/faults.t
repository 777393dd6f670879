# Faults under load: whatever happens to Postgres, to the connections to it and
# to nginx's processes, clients hear 200 or 503, and what was acknowledged is
# there, once, and charged once.

use strict;
use warnings;

use lib 't/lib';
use Audit;
use PostgresProxy;
use PrivateNginx;
use PrivatePostgres;
use Senders;
use Test::More;
use Time::HiRes qw(sleep time);

PrivateNginx::guard(240);

my $pg = PrivatePostgres->new;
my %deaths;


# Load, and trouble in the middle of it; then the account's books.
sub under_load {
    my ($name, $nginx, $trouble, %option) = @_;

    my ($account, $key) = Audit::account($pg);
    my %allowed = %{ delete $option{allowed} // {} };
    my $before = delete $option{before} // 0.5;
    my $after = delete $option{after} // 0.5;

    my $senders = Senders->start(port => $nginx->{port}, key => $key,
                                 resend => 1, drain => 20, pause => 0.005,
                                 %option);
    sleep $before;
    $trouble->();
    sleep $after;

    my $record = $senders->stop;
    my %found = Audit::sound($pg, $account, $name, $record);

    Audit::clean($name, $record, %allowed);
    Audit::tell($name, $record, %found);

    cmp_ok($found{acked}, '>', 0, "$name: something was acknowledged");
    is($found{acked}, @{ $record->{batches} },
       "$name: and in the end everything");

    return $record;
}


sub postmaster {
    open my $file, '<', "$pg->{dir}/data/postmaster.pid" or die $!;
    return int <$file>;
}


# Until a request gets an answer other than 503.
sub serves {
    my ($nginx, $seconds) = @_;

    my $key = Audit::account($pg);

    return PrivateNginx::wait_for($seconds, sub {
        my $answer = $nginx->post($key, Senders::body([Senders::uuid()], 1));
        ($answer->{status} // 0) == 200;
    });
}


# No worker died but those that were killed, and nginx found nothing wrong.
sub quiet {
    my ($name, $nginx) = @_;

    my @lines = grep { !/exited on signal 9/ || !$deaths{$nginx->{dir}} }
                     $nginx->logged(qw(alert emerg crit));

    is("@lines[0 .. ($#lines > 4 ? 4 : $#lines)]", '',
       "$name: nothing serious in the error log");
}


my $nginx;


subtest 'Postgres is not there at the start and comes later' => sub {
    my ($account, $key) = Audit::account($pg);

    $pg->stop;
    $nginx = PrivateNginx->new(database => $pg->conninfo, timeout => '2s');

    my $start = time;
    my $answer = $nginx->post($key, Senders::body([Senders::uuid()], 1));

    is($answer->{status}, 503, 'a batch gets 503');
    like($answer->{header}{'retry-after'}, qr/^\d+$/, 'with Retry-After');
    like($answer->{body}, qr/^\{"detail":"[^"]+"\}$/, 'and says why');
    cmp_ok(time - $start, '<', 8, 'in time');

    is($nginx->get('/readyz')->{status}, 503, 'it is not ready');

    my $senders = Senders->start(port => $nginx->{port}, key => $key,
                                 batches => 50, resend => 1, drain => 20);
    sleep 0.5;
    $pg->start;

    my $record = $senders->wait;
    my %found = Audit::sound($pg, $account, 'late start', $record);

    Audit::clean('late start', $record);
    Audit::tell('late start', $record, %found);
    is($found{acked}, 50, 'everything is stored in the end');
    ok($nginx->ready, 'it is ready');
    quiet('late start', $nginx);

    $nginx->quit;
};


subtest 'Postgres is stopped, crashes, and is killed under load' => sub {
    $nginx = PrivateNginx->new(database => $pg->conninfo);

    under_load('immediate stop', $nginx, sub {
        my $pid = postmaster();
        kill QUIT => $pid;
        PrivateNginx::wait_for(10, sub { PrivateNginx::gone($pid) });
        sleep 0.5;
        $pg->start;
    }, after => 2);

    under_load('fast stop', $nginx, sub {
        $pg->stop;
        sleep 0.5;
        $pg->start;
    }, after => 2);

    under_load('kill -9 of Postgres', $nginx, sub {
        $pg->kill;
        $pg->start;
    }, after => 2);

    under_load('kill -9 of one backend', $nginx, sub {
        kill KILL => $pg->sql("select pid from pg_stat_activity"
                              . " where application_name <> 'psql'"
                              . " and backend_type = 'client backend'"
                              . " limit 1");
    }, after => 3);

    quiet('Postgres gone', $nginx);
};


subtest 'sessions are terminated under load' => sub {
    under_load('pg_terminate_backend', $nginx, sub {
        for (1 .. 8) {
            $pg->sql("select pg_terminate_backend(pid) from pg_stat_activity"
                     . " where pid <> pg_backend_pid()"
                     . " and backend_type = 'client backend'");
            sleep 0.2;
        }
    }, after => 1);

    quiet('pg_terminate_backend', $nginx);
};


subtest 'a lock is held for a while' => sub {
    my $record = under_load('lock', $nginx, sub {
        $pg->hold('agentvista.traces', 2);
        sleep 2;
    });

    cmp_ok($record->{slowest}, '>', 1.5, 'requests have waited');
    is(join(' ', keys %{ $record->{status} }), '200', 'and none has failed');
    quiet('lock', $nginx);
    $nginx->quit;
};


subtest 'a lock is held for longer than requests wait' => sub {
    $nginx = PrivateNginx->new(database => $pg->conninfo, timeout => '1s',
                               http => 'agentvista_statement_timeout 1s;');
    $nginx->ready;

    my $record = under_load('long lock', $nginx, sub {
        $pg->hold('agentvista.traces', 5);
        sleep 5;
    });

    cmp_ok($record->{status}{503} // 0, '>', 0, 'requests have been refused');
    cmp_ok($record->{slowest}, '<', 5, 'in time');
    quiet('long lock', $nginx);
};


subtest 'Postgres is read-only for a while' => sub {
    my $connected = sub { scalar(() = $nginx->log =~ /connected to Postgres/g) };
    my $writes = sub { $pg->sql("alter system set default_transaction_read_only"
                                . " = $_[0]");
                       $pg->sql('select pg_reload_conf()') };
    my ($account, $key) = Audit::account($pg);
    my $before = $connected->();

    my $status = sub {
        return $nginx->post($key, Senders::body([Senders::uuid()], 1))
                     ->{status};
    };

    # sessions hear of it a little later
    $writes->('on');
    ok(PrivateNginx::wait_for(10, sub { $status->() == 503 }),
       'a batch gets 503');
    sleep 0.2;
    is($status->(), 503, 'and so do others') for 1 .. 4;

    # else ten times a second
    cmp_ok($connected->() - $before, '<', 20, 'it is not connected to in vain');

    $writes->('off');
    ok(serves($nginx, 10), 'and then it serves again');
};


subtest 'Postgres does not move' => sub {
    my @pids;

    my $record = under_load('SIGSTOP', $nginx, sub {
        my $pid = postmaster();
        @pids = ($pid, map { split } do {
            open my $file, '<', "/proc/$pid/task/$pid/children" or die $!;
            <$file>;
        });
        kill STOP => @pids;
        sleep 5;
        kill CONT => @pids;
    }, after => 4);

    kill CONT => @pids;
    cmp_ok($record->{status}{503} // 0, '>', 0, 'requests have been refused');
    cmp_ok($record->{slowest}, '<', 6, 'in time');
    quiet('SIGSTOP', $nginx);
    $nginx->quit;
};


subtest 'the connection is cut' => sub {
    my $proxy = PostgresProxy->new($pg);
    my $statements = 'traces,merge_traces';

    $nginx = PrivateNginx->new(database => $proxy->conninfo, workers => 1,
                               timeout => '20s');
    ok($nginx->ready, 'ready, through the proxy');

    for my $how ('before_sync', 'after_sync', 'in_sync', 'bytes 700') {

        # A limit that is used up exactly: what was charged is not forgotten
        # and not counted twice.
        my ($account, $key) = Audit::account($pg, events_limit => 7);
        my @ids = map { Senders::uuid() } 1 .. 3;
        my $cuts = $proxy->cuts;

        $proxy->tell("$how $statements");

        my $answer = $nginx->post($key, Senders::body([$ids[0]], 3));

        is($answer->{status}, 200, "$how: the request is stored by a replay");
        is($proxy->cuts, $cuts + 1, "$how: after one cut");
        is(Audit::stored($pg, $account), 3, "$how: its spans, once");
        is(Audit::charged($pg, $account), 3, "$how: charged, once");

        is($nginx->post($key, Senders::body([$ids[1]], 5))->{status}, 429,
           "$how: five more are too many");
        is($nginx->post($key, Senders::body([$ids[1]], 4))->{status}, 200,
           "$how: there is room for four");
        is($nginx->post($key, Senders::body([$ids[2]], 1))->{status}, 429,
           "$how: and not for one more");
        is(Audit::stored($pg, $account), 7, "$how: the limit was kept");
    }

    under_load('cuts', $nginx, sub {
        for my $n (1 .. 30) {
            $proxy->tell(('before_sync', 'after_sync', 'in_sync',
                          'bytes ' . int rand 20000)[$n % 4]
                         . " $statements");
            sleep 0.1;
        }
        $proxy->tell('pass');
    });

    under_load('stall', $nginx, sub {
        $proxy->tell('stall');
        sleep 1;
        $proxy->tell('pass');
        sleep 0.3;
        $proxy->tell('refuse');
        sleep 1;
        $proxy->tell('pass');
    }, after => 2);

    cmp_ok($proxy->cuts, '>', 15, 'connections were cut: ' . $proxy->cuts);
    quiet('cuts', $nginx);
    $nginx->quit;
};


subtest 'data that Postgres refuses hurts nobody else' => sub {
    $pg->sql(<<'END');
create function public.poison() returns trigger language plpgsql as $$
begin
    if new.name = 'poison' then
        raise exception 'poisoned' using errcode = '22023';
    end if;
    return new;
end;
$$;
create trigger poison before insert on agentvista.spans
    for each row execute function public.poison();
END
    $nginx = PrivateNginx->new(database => $pg->conninfo);
    $nginx->ready;

    my ($account, $key) = Audit::account($pg);
    my $batches = 600;

    # Three traces in each batch, in every tenth the second is poisoned.
    my $record = Senders->start(
        port => $nginx->{port}, key => $key, connections => 32,
        batches => $batches, resend => 1, drain => 20,
        make => sub {
            my ($number) = @_;

            my @ids = map { Senders::uuid() } 1 .. 3;
            my @traces = map {
                my $text = Senders::body([$ids[$_]], 2, name =>
                               $number % 10 == 5 && $_ == 1 ? 'poison'
                                                            : 'fine');
                $text =~ s/^\{"traces":\[(.*)\]\}$/$1/s;
                $text;
            } 0 .. 2;

            return ('{"traces":[' . join(',', @traces) . ']}', \@ids, 2);
        })->wait;

    my (@wrong, @expected);

    for my $batch (@{ $record->{batches} }) {
        my ($ids, undef, $status, $body, $number) = @$batch;
        my $answer = '{"accepted":3,"rejected":0,"errors":[]}';

        if ($number % 10 == 5) {
            $answer = '{"accepted":2,"rejected":1,"errors":[{"index":1,'
                      . qq("trace_id":"$ids->[1]","detail":"traces[1]: the)
                      . ' database does not accept this data (SQLSTATE'
                      . ' 22023)"}]}';
            push @expected, @$ids[0, 2];

        } else {
            push @expected, @$ids;
        }

        push @wrong, "$status $body" if $status ne '200' || $body ne $answer;
    }

    is(@{ $record->{batches} }, $batches, 'all are answered');
    is("@wrong[0 .. ($#wrong > 2 ? 2 : $#wrong)]", '',
       'the culprits are rejected, by index, id and reason; nothing else');
    is($pg->sql("select count(*) from agentvista.traces"
                . " where account_id = '$account'"), scalar @expected,
       'as many traces are stored');
    is(Audit::stored($pg, $account), 2 * @expected, 'with their spans');
    is(Audit::charged($pg, $account), 2 * @expected, 'and charged');
    is($pg->sql("select count(*) from agentvista.spans"
                . " where account_id = '$account' and name = 'poison'"), 0,
       'nothing of the poisoned ones');
    Audit::sound($pg, $account, 'poison', $record);
    Audit::tell('poison', $record);
    quiet('poison', $nginx);

    $pg->sql('drop trigger poison on agentvista.spans');
};


subtest 'clients leave while they wait' => sub {
    my ($account, $key) = Audit::account($pg, events_limit => 3 * 60 + 3);

    is($nginx->post($key, Senders::body([Senders::uuid()], 3))->{status}, 200,
       'the account is known');
    ok($nginx->connected, 'all connections are there');

    my $descriptors = $nginx->descriptors;
    my $body = sub { Senders::body([Senders::uuid()], 3) };

    $pg->hold('agentvista.traces', 2);

    my @sockets = map {
        my $socket = $nginx->connect;
        $socket->autoflush(1);
        print $socket $nginx->post_text($key, $body->());
        $socket;
    } 1 .. 60;

    sleep 0.7;
    close $_ for @sockets;
    sleep 0.3;

    ok(PrivateNginx::wait_for(10, sub { Audit::stored($pg, $account) >= 183 }),
       'what they sent is stored all the same');
    is(Audit::stored($pg, $account), 183, 'once');
    is(Audit::charged($pg, $account), 183, 'and charged');
    is($nginx->post($key, Senders::body([Senders::uuid()], 1))->{status}, 429,
       'the reservations were settled');

    ok(PrivateNginx::wait_for(5, sub {
        $nginx->descriptors <= $descriptors
    }), 'no connection is left over')
        or diag($nginx->descriptors . " descriptors, were $descriptors");

    is($nginx->metric('agentvista_queue_batches'), 0, 'nothing is queued');
    quiet('clients gone', $nginx);
};


subtest 'reload under load' => sub {
    for my $fresh (0, 1) {
        my $name = $fresh ? 'reload, fresh connections' : 'reload';

        my $record = under_load($name, $nginx, sub {
            for (1 .. 4) {
                ok($nginx->reload, 'reloaded');
                sleep 0.3;
            }
        }, fresh => $fresh, pause => 0);

        is($record->{status}{503} // 0, 0, "$name: nobody was refused");
    }

    ok($nginx->wait_workers(20), 'the old workers are gone');
    quiet('reload', $nginx);
};


subtest 'a new binary takes over under load' => sub {
    my $record = under_load('upgrade', $nginx, sub {
        ok($nginx->upgrade, 'the old master is gone');
    }, fresh => 1, pause => 0);

    is($record->{status}{503} // 0, 0, 'upgrade: nobody was refused');
    ok($nginx->wait_workers(20), 'and its workers');
    quiet('upgrade', $nginx);
};


subtest 'quit under load' => sub {
    my ($account, $key) = Audit::account($pg);

    my $senders = Senders->start(port => $nginx->{port}, key => $key,
                                 connections => 32);
    sleep 1;
    ok($nginx->quit(15), 'all processes end');

    my $record = $senders->stop;
    my %found = Audit::sound($pg, $account, 'quit', $record);

    Audit::clean('quit', $record);
    Audit::tell('quit', $record, %found);
    is($record->{status}{503} // 0, 0, 'quit: nobody was refused');
    cmp_ok($found{acked}, '>', 0, 'quit: something was acknowledged');
    quiet('quit', $nginx);
};


subtest 'quit while requests wait for Postgres' => sub {
    $nginx = PrivateNginx->new(database => $pg->conninfo);
    $nginx->ready;

    # More than one flush has to follow the one that is stuck.
    my ($account, $key) = Audit::account($pg);
    my $clients = 40;

    $pg->hold('agentvista.traces', 2);

    my $record;
    my $senders = Senders->start(port => $nginx->{port}, key => $key,
                                 connections => $clients, batches => $clients,
                                 fresh => 1);
    sleep 0.8;

    # and one whose body is still on its way
    my $slow = $nginx->connect;
    my $text = $nginx->post_text($key, Senders::body([Senders::uuid()], 3));
    syswrite $slow, substr $text, 0, 400;
    sleep 0.2;

    $nginx->signal('QUIT');

    sleep 2.5;
    syswrite $slow, substr $text, 400;

    is(PrivateNginx::answer($slow)->{status}, 200,
       'the late body is stored as well');

    $record = $senders->wait;

    is($record->{status}{200}, $clients, 'all who waited have their answer')
        or diag(explain($record->{status}));
    is(Audit::stored($pg, $account), 3 * $clients + 3, 'stored once');
    Audit::clean('quit', $record);
    ok($nginx->wait_gone(10), 'then all processes end');
    quiet('quit with requests', $nginx);
};


subtest 'kill -9 of a worker under load' => sub {
    $nginx = PrivateNginx->new(database => $pg->conninfo);
    $nginx->ready;
    $deaths{$nginx->{dir}} = 1;

    under_load('kill -9 of workers', $nginx, sub {
        for (1 .. 4) {
            $nginx->kill_worker;
            sleep 0.5;
        }
    }, allowed => { cut => 1 });

    ok($nginx->wait_workers(5), 'there are as many workers as before');
    quiet('kill -9 of a worker', $nginx);
    $nginx->quit;
};



Audit::sound($pg, undef, 'all accounts');

is($pg->sql("select count(*) from pg_stat_activity where pid <>"
            . " pg_backend_pid() and backend_type = 'client backend'"), 0,
   'no session is left over');

open my $log, '<', "$pg->{dir}/log" or die $!;
my @deadlocks = grep { /deadlock detected/ } <$log>;
is(@deadlocks, 0, 'no deadlock in the log of Postgres');

done_testing();
