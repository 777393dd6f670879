# More load than there is capacity: what is too much is refused at once with
# 503 and Retry-After, memory stays inside its bound, and the useful work goes
# on.  The accurate figures are scripts/bench's; here only a collapse fails.

use strict;
use warnings;

use lib 't/lib';
use Audit;
use JSON::PP;
use PrivateNginx;
use PrivatePostgres;
use Senders;
use Test::More;
use Time::HiRes qw(sleep time);

PrivateNginx::guard(120);

# MiB of a worker; what the sanitizers need on top has no bound
my $queue_memory = 16;
my $rss_bound = defined $ENV{ASAN_OPTIONS} ? 4096 : 96;

# Nothing but a collapse: the machine may be busy.
my $least = 0.2;

my $tools = "$ENV{AGENTVISTA_TEST_DIR}/bench-$$";
system("make -s -C t/bench BUILD='$tools' '$tools/load'") == 0
    or die "cannot make t/bench/load\n";

my $pg = PrivatePostgres->new;
my $nginx = PrivateNginx->new(database => $pg->conninfo, http => <<END);
    agentvista_queue_memory ${queue_memory}m;
    agentvista_body_limit 1m;
END
ok($nginx->ready, 'nginx is ready');

my ($account, $key) = Audit::account($pg);


# Batches of 100 spans.
sub load {
    my ($seconds, @options) = @_;

    open my $load, '-|', "$tools/load", '--key', $key, '--duration', $seconds,
         @options, "127.0.0.1:$nginx->{port}"
        or die "load: $!";

    my $rss = 0;
    my $end = time + $seconds;

    while (time < $end) {
        my $now = $nginx->rss;
        $rss = $now if $now > $rss;
        sleep 0.1;
    }

    my $result = decode_json(join '', <$load>);
    close $load or die "load has failed\n";

    my $now = $nginx->rss;
    $result->{rss} = ($now > $rss ? $now : $rss) / 1024;

    return $result;
}


load(1, '--connections', 32);
my $peak = load(4, '--connections', 32);

is(join(' ', keys %{ $peak->{status} }), '200', 'the load alone is served');
cmp_ok($peak->{rss}, '<', $rss_bound,
       sprintf 'in %.0f MiB of a worker', $peak->{rss});
note(sprintf 'peak: %.0f spans/s', $peak->{spans_per_s});

for my $times (2, 10) {

    # A few who look at each answer.
    my $senders = Senders->start(port => $nginx->{port}, key => $key,
                                 connections => 2, pause => 0.05,
                                 resend => 1, drain => 20);

    my $result = load(4, '--connections', 800, '--rate',
                      $times * $peak->{requests_per_s});
    my $record = $senders->stop;

    my $share = $result->{spans_per_s} / $peak->{spans_per_s};

    note(sprintf '%d times: %.0f spans/s, %.2f of the peak; answers %s;'
                 . ' unsent %d; %.0f MiB', $times, $result->{spans_per_s},
                 $share,
                 join(' ', map { "$_:$result->{status}{$_}" }
                               sort keys %{ $result->{status} }),
                 $result->{unsent}, $result->{rss});

    is(join(' ', grep { !/^(?:200|503)$/ } keys %{ $result->{status} }), '',
       "$times times: 200 and 503, nothing else");
    is($result->{errors}, 0, "$times times: every request is answered");
    cmp_ok($result->{status}{503} // 0, '>', 0,
           "$times times: some are refused") if $times > 2;
    cmp_ok($result->{rss}, '<', $rss_bound,
           sprintf '%d times: in %.0f MiB of a worker', $times,
                   $result->{rss});
    cmp_ok($share, '>', $least, "$times times: no collapse");

    Audit::clean("$times times", $record);
    Audit::tell("$times times", $record);
    is(Audit::acknowledged($record), @{ $record->{batches} },
       "$times times: who sends again gets through");
}

my %found = Audit::sound($pg, $account, 'overload');

ok(PrivateNginx::wait_for(5, sub {
    ($nginx->metric('agentvista_queue_bytes') // 1) == 0
}), 'the memory budget is given back');

is(join('', $nginx->logged(qw(alert emerg crit))), '',
   'nothing serious in the error log');

$nginx->quit;
done_testing();
