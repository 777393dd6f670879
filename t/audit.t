# The ack audit: while clients send and remember every 200, processes are
# killed with -9 at random: a worker, all of nginx, Postgres, one backend of
# it.  Then every acknowledged trace has to be there, whole and once, and the
# usage must be the number of stored spans.
#
# ./scripts/audit runs as many rounds as one likes.

use strict;
use warnings;

use lib 't/lib';
use Audit;
use PrivateNginx;
use PrivatePostgres;
use Senders;
use Test::More;
use Time::HiRes qw(sleep time);

my $rounds = $ENV{AGENTVISTA_AUDIT_ROUNDS} || 36;
my $seed = $ENV{AGENTVISTA_AUDIT_SEED} || int rand 1e6;

# Each account of the audit lives for so many rounds, or the clients would have
# to remember too much.
my $rounds_of_one = 18;

PrivateNginx::guard(60 + 15 * $rounds);
srand $seed;
note("seed $seed");

my $pg = PrivatePostgres->new;
my $nginx = PrivateNginx->new(database => $pg->conninfo, timeout => '8s',
                              http => 'agentvista_statement_timeout 5s;');
ok($nginx->ready, 'nginx is ready');

my %total = map { $_ => 0 } qw(acked unknown missing duplicated orphans
                               miscounted uncharged);
my %kills;
my @odd;

my @deaths = (
    ['a worker' => sub { $nginx->kill_worker }],
    ['a worker' => sub { $nginx->kill_worker }],
    ['nginx' => sub {
        $nginx->kill;
        sleep rand 0.5;
        $nginx->start;
    }],
    ['the master alone' => sub {
        # Its workers serve on; whoever starts it again must end them first.
        my $master = $nginx->{master};
        my @workers = $nginx->workers;
        kill KILL => $master;
        sleep 0.1 + rand 0.5;
        kill((rand() < 0.5 ? 'QUIT' : 'KILL'), @workers);
        PrivateNginx::wait_for(12, sub {
            !grep { !PrivateNginx::gone($_) } @workers
        }) or die "workers without a master do not end\n";
        unlink "$nginx->{dir}/logs/nginx.pid";
        $nginx->start;
    }],
    ['Postgres' => sub {
        $pg->kill;
        sleep rand 0.5;
        $pg->start;
    }],
    ['a backend' => sub {
        my ($pid) = split /\n/,
            $pg->sql("select pid from pg_stat_activity where pid <>"
                     . " pg_backend_pid() and backend_type ="
                     . " 'client backend' order by random() limit 1");
        kill KILL => $pid if $pid;
        # psql may meet the recovery
        sleep 1;
    }],
    ['both' => sub {
        $pg->kill;
        $nginx->kill;
        $nginx->start;
        sleep rand 0.5;
        $pg->start;
    }],
);


for (my $round = 0; $round < $rounds; ) {
    my ($account, $key) = Audit::account($pg);

    my $senders = Senders->start(port => $nginx->{port}, key => $key,
                                 connections => 24, pause => 0.02, traces => 2,
                                 resend => 1, drain => 25);

    for (my $n = 0; $n < $rounds_of_one && $round < $rounds; $n++, $round++) {
        my ($name, $death) = @{ $deaths[rand @deaths] };

        $kills{$name}++;
        sleep 0.2 + rand 0.8;
        $death->();
        $nginx->ready;
    }

    my $record = $senders->stop;
    my %found = Audit::compare($pg, $account, $record);

    $total{$_} += $found{$_} for keys %found;
    $total{unknown} += grep { $_->[2] ne '200' } @{ $record->{batches} };
    push @odd, @{ $record->{odd} };

    Audit::tell("after $round rounds", $record, %found);
}

my $text = "$rounds rounds (" . join(', ', map { "$_ $kills{$_}" }
                                           sort keys %kills) . '): '
           . join ', ', map { "$_ $total{$_}" }
                            qw(acked unknown missing duplicated orphans
                               miscounted uncharged);

# The long form is run for these numbers.
$ENV{AGENTVISTA_AUDIT_ROUNDS} ? diag($text) : note($text);

cmp_ok($total{acked}, '>', 100 * $rounds, 'enough was acknowledged');
is($total{missing}, 0, 'nothing acknowledged is missing');
is($total{duplicated}, 0, 'nothing is stored twice');
is($total{orphans}, 0, 'no span is without its trace');
is($total{miscounted}, 0, 'each trace counts its spans');
is($total{uncharged}, 0, 'usage is the number of stored spans');
is($total{unknown}, 0, 'in the end everything could be stored');
is("@odd[0 .. ($#odd > 2 ? 2 : $#odd)]", '',
   'no answers but 200 and 503 with Retry-After');

my @log = grep { !/exited on signal 9/ } $nginx->logged(qw(alert emerg));
is("@log[0 .. ($#log > 4 ? 4 : $#log)]", '',
   'nothing serious in the error log');

$nginx->quit;
done_testing();
