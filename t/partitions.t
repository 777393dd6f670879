# Days: the window of starts that are kept, the partition of each trace, and
# what retention takes away.

use strict;
use warnings;

use lib 't/lib';
use AgentVista;
use JSON::PP;
use POSIX ();
use PrivateNginx;
use PrivatePostgres;
use Test::More;

PrivateNginx::guard(120);

my $day = 86400;
my $pg = PrivatePostgres->new;
my $nginx = PrivateNginx->new(database => $pg->conninfo,
                              http => 'agentvista_retention 3d;'
                                      . ' agentvista_ahead 2d;');

my $account = $pg->sql("insert into agentvista.accounts (name)"
                       . " values ('days') returning id");
my $key = 'av_' . 'ab' x 32;
$pg->sql("insert into agentvista.api_keys"
         . " (account_id, key_hash, prefix, scopes)"
         . " values ('$account', sha256('$key'), 'av_abababab', '{write}')");


sub utc_day {
    return POSIX::strftime('%Y-%m-%d', gmtime(time + $_[0] * $day));
}


sub partitions {
    return split /\n/, $pg->sql(
        "select c.relname from pg_inherits i join pg_class c"
        . " on c.oid = i.inhrelid"
        . " where i.inhparent = 'agentvista.spans'::regclass order by 1");
}


# Posts traces; returns the decoded answer.
sub post {
    my $answer = $nginx->post($key, batch(@_));

    is($answer->{status}, 200, 'a batch is taken');

    return decode_json($answer->{body});
}


ok($nginx->ready, 'the first start makes what is needed');

PrivateNginx::wait_for(10, sub { partitions() > 2 });

my @names = partitions();

is($names[0], 'spans_' . utc_day(-4) =~ tr/-//dr,
   'there is a partition for the oldest day, and one day of margin');
is($names[-1], 'spans_' . utc_day(9) =~ tr/-//dr,
   'and a week more than what may be sent');
is(scalar @names, 14, 'and one for every day between');


# The window

for my $case (['the first moment of the oldest day',
               utc_day(-3) . 'T00:00:00Z', 1],
              ['a moment before it', utc_day(-4) . 'T23:59:59.999Z', 0],
              ['nearly two days ahead', iso(2 * $day - 60), 1],
              ['more than two days ahead', iso(2 * $day + 60), 0],
              ['1970', '1970-01-01T00:00:00Z', 0],
              ['9999', '9999-12-31T23:59:59Z', 0])
{
    my ($name, $time, $kept) = @$case;

    my $good = trace();
    my $answer = post(trace({ started_at => $time, ended_at => undef },
                            span(started_at => $time, ended_at => undef)),
                      $good);

    is($answer->{accepted}, $kept + 1, "$name: " . ($kept ? 'kept' : 'not'));

    unless ($kept) {
        is($answer->{errors}[0]{index}, 0, "$name: the index");
        like($answer->{errors}[0]{detail},
             qr/^traces\[0\]\.trace\.started_at: /, "$name: the field");
    }

    is($pg->sql("select count(*) from agentvista.traces where trace_id = '"
                . $good->{trace}{trace_id} . "'"), 1,
       "$name: its neighbour is kept");
}

my $answer = post(trace({}, span(started_at => iso(-30 * $day))));

is($answer->{rejected}, 1, 'a span outside the window takes its trace along');
like($answer->{errors}[0]{detail}, qr/spans\[0\]\.started_at: /,
     'and is named');


# A trace and its spans live in the partition of the trace's first day

my $trace = trace({ started_at => iso(-2 * $day), ended_at => undef,
                    status => 'running' },
                  span(name => 'first', started_at => iso(-2 * $day)));
my $id = $trace->{trace}{trace_id};

post($trace);
post({ trace => { %{ $trace->{trace} }, status => 'completed' },
       spans => [span(name => 'late')] });
post({ trace => { %{ $trace->{trace} }, started_at => iso(),
                  status => 'completed' },
       spans => [span(name => 'later')] });

is($pg->sql("select string_agg(name, ',' order by name)"
            . " from agentvista.spans_" . utc_day(-2) =~ tr/-//dr
            . " where trace_id = '$id'"), 'first,late,later',
   'later spans join their trace in its partition');
is($pg->sql("select span_count from agentvista.traces where trace_id = '$id'"),
   3, 'and are counted');

my $moved = span(name => 'moved', started_at => iso(-2 * $day));

post({ trace => $trace->{trace}, spans => [$moved] });
post({ trace => $trace->{trace}, spans => [{ %$moved, started_at => iso() }] });

is($pg->sql("select count(*) from agentvista.spans where span_id = '"
            . $moved->{span_id} . "'"), 1,
   'a span that comes back with another day is the same span');


# Retention

my $before = $pg->sql("select events from agentvista.usage");

is($pg->sql("select dropped || ' ' || retired || ' ' || more"
            . " from agentvista.maintain_partitions(1, 1, 1)"), '0 1 true',
   'old traces go first, not too many at once');

1 while $pg->sql("select more from agentvista.maintain_partitions(1, 1)")
        eq 't';

is($pg->sql("select count(*) from agentvista.traces where home_day < '"
            . utc_day(-1) . "'"), 0, 'no trace is left of a day that is over');
is($pg->sql("select count(*) from agentvista.spans s left join"
            . " agentvista.traces t using (account_id, trace_id)"
            . " where t.trace_id is null"), 0, 'no span is left without one');
is((partitions())[0], 'spans_' . utc_day(-1) =~ tr/-//dr,
   'and no partition');
is($pg->sql("select events from agentvista.usage"), $before,
   'what was charged stays charged');


# A partition that is missing is the operator's trouble, not the sender's

$pg->sql("drop table agentvista.spans_" . utc_day(0) =~ tr/-//dr);

my $today = utc_day(0) . 'T00:00:00Z';
my $tomorrow = iso($day);
my $homeless = batch(trace({ started_at => $today },
                           span(started_at => $today)));

is($nginx->post($key, $homeless)->{status}, 503,
   'a trace of a day that was taken away is to be sent again');

is(post(trace({ started_at => $tomorrow },
              span(started_at => $tomorrow)))->{accepted}, 1,
   'other days are stored');

ok(PrivateNginx::wait_for(15, sub {
       ($nginx->get('/readyz')->{body} // '')
           =~ /no partition of agentvista\.spans for today/
   }), 'readyz tells');

ok($nginx->reload, 'a new worker');
ok($nginx->ready, 'makes the partition again');

is($nginx->post($key, $homeless)->{status}, 200, 'and the trace is taken');

done_testing();
