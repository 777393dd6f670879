# The quota where the database has to be asked: transactions that outlive their
# worker, the turn of the month, other hosts.

use strict;
use warnings;

use lib 't/lib';
use Audit;
use POSIX ();
use PrivateNginx;
use PrivatePostgres;
use Senders;
use Test::More;
use Time::HiRes qw(sleep time);
use Time::Local qw(timegm);

PrivateNginx::guard(120);

my $pg = PrivatePostgres->new;


sub body {
    return Senders::body([Senders::uuid()], $_[0]);
}

sub post_body {
    my ($nginx, $key, $body) = @_;

    my $answer = $nginx->post($key, $body, 30);

    return $answer->{status} // $answer->{error};
}

sub post {
    my ($nginx, $key, $spans) = @_;

    return post_body($nginx, $key, body($spans));
}


# Sends a batch without waiting; the code returned waits, and gives the status.
sub post_later {
    my ($nginx, $key, $spans) = @_;

    # not in the child, whose random ids would be ours once more
    my $body = body($spans);
    my $pid = open my $out, '-|';
    defined $pid or die "fork: $!";

    if ($pid == 0) {
        print post_body($nginx, $key, $body);
        close STDOUT;
        POSIX::_exit(0);
    }

    return sub { my $status = <$out>; close $out; return $status };
}


sub charged {
    my ($account) = @_;

    return $pg->sql("select string_agg(n::text, ' ' order by month) from"
                    . " (select month, sum(events) as n from agentvista.usage"
                    . " where account_id = '$account' group by month) x");
}


# Has every charge take so long before its commit.
sub slow {
    my ($seconds) = @_;

    $pg->sql("create or replace function agentvista.slow() returns trigger
              language plpgsql as 'begin perform pg_sleep($seconds);
                                         return null; end'");
    $pg->sql("create trigger slow after insert on agentvista.usage
              for each statement execute function agentvista.slow()");
}

sub fast {
    $pg->sql("drop trigger slow on agentvista.usage");
}


subtest 'a transaction that outlives its worker is waited for' => sub {
    my $nginx = PrivateNginx->new(database => $pg->conninfo, workers => 2,
                                  timeout => '20s');
    ok($nginx->ready, 'nginx is ready');

    my ($account, $key) = Audit::account($pg, events_limit => 10);

    slow(4);
    my $first = post_later($nginx, $key, 10);
    sleep 0.8;

    kill KILL => $nginx->workers;
    sleep 0.2;

    is(post($nginx, $key, 1), 429, 'what it has stored counts');
    isnt($first->(), 200, 'though its client never learnt of it');
    is(charged($account), 10, 'the limit is kept');
    like($nginx->log, qr/died with 1 quota reservations open/,
         'the reservation of the dead worker was found');

    fast();
    $nginx->quit;
};


subtest 'the month turns at midnight UTC, once' => sub {
    my $dir = $ENV{AGENTVISTA_TEST_DIR};

    system("cc -shared -fPIC -o $dir/clock.so t/lib/clock.c -ldl") == 0
        or die 'cc failed';

    local $ENV{AGENTVISTA_CLOCK} = "$dir/clock-$$";
    local $ENV{LD_PRELOAD} = "$dir/clock.so";

    my $ahead = sub {
        open my $file, '>', $ENV{AGENTVISTA_CLOCK} or die $!;
        print $file $_[0];
        close $file;
        sleep 1.2;
    };

    my ($month, $year) = (gmtime)[4, 5];
    my $next = $month == 11 ? timegm(0, 0, 0, 1, 0, $year + 1)
                            : timegm(0, 0, 0, 1, $month + 1, $year);

    my $after = $next + 3600 - time;

    my $nginx = PrivateNginx->new(database => $pg->conninfo, workers => 2,
                                  timeout => '20s',
                                  http => 'agentvista_retention 60d;');
    delete $ENV{LD_PRELOAD};
    ok($nginx->ready, 'nginx is ready');

    my ($account, $key) = Audit::account($pg, events_limit => 10);

    is(post($nginx, $key, 7), 200, 'seven events');
    is(post($nginx, $key, 4), 429, 'four more are too many');
    is(post($nginx, $key, 3), 200, 'three are not');

    $ahead->(int $after);
    is(post($nginx, $key, 6), 200, 'a new month');
    is(post($nginx, $key, 5), 429, 'has its limit, too');
    is(post($nginx, $key, 4), 200, 'which is reached');
    is(charged($account), '10 10', 'each month has its events');

    $ahead->(0);
    is(post($nginx, $key, 1), 429, 'a clock that is set back gains nothing');
    $ahead->(int $after);
    is(post($nginx, $key, 1), 429, 'nor does one that turns again');

    $ahead->(0);
    ($account, $key) = Audit::account($pg, events_limit => 10);

    slow(1.5);
    my $first = post_later($nginx, $key, 8);
    sleep 0.5;
    $ahead->(int $after);
    fast();
    my @later = map { post_later($nginx, $key, 8) } 1 .. 2;
    is($first->(), 200, 'a batch of the old month');
    is(join(' ', sort map { $_->() } @later), '200 429',
       'does not count in the new one');
    is(charged($account), '8 8', 'each is charged to its own');

    $nginx->quit;
};


subtest 'another host is seen within some seconds' => sub {
    my @nginx = map { PrivateNginx->new(database => $pg->conninfo,
                                        workers => 1) } 1 .. 2;
    $_->ready for @nginx;

    my ($account, $key) = Audit::account($pg, events_limit => 100);

    is(post($nginx[0], $key, 1), 200, 'one host');
    is(post($nginx[1], $key, 90), 200, 'the other');
    sleep 5.2;
    is(post($nginx[0], $key, 100), 429, 'too many in any case');
    sleep 0.5;
    is(post($nginx[0], $key, 10), 429, 'but now the first has learnt of it');
    is(post($nginx[0], $key, 9), 200, 'and fills the rest');
    is(charged($account), 100, 'exactly');

    $_->quit for @nginx;
};


done_testing();
