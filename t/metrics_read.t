# Metrics: agentvista.md 8.

use strict;
use warnings;

use lib 't/lib';
use Api;
use Test::More;

my $api = Api->new;
my $other = $api->stranger;
my $query = '/dashboard/metrics/query';
my $scope = uuid();

sub metric {
    my ($to, $name, $type, %set) = @_;

    $to->sql("insert into agentvista.metrics (account_id, name, type, unit,"
             . " description) values ('$to->{account}', '$name', $type, '"
             . ($set{unit} // '') . "', '" . ($set{description} // '') . "')");
    $to->sql("insert into agentvista.metric_counts (account_id, name, slot,"
             . " points) values ('$to->{account}', '$name', 0, 2),"
             . " ('$to->{account}', '$name', 1, 3)") if $set{counted};
}

sub series {
    my ($to, $metric, $labels, $temporality) = @_;

    my $id = uuid();
    $to->sql("insert into agentvista.series (account_id, id, metric, type,"
             . " temporality, monotonic, labels, scope_id) values ("
             . "'$to->{account}', '$id', '$metric', 1, " . ($temporality // 0)
             . ", false, '$labels', '$scope')");
    return $id;
}

sub point {
    my ($to, $series, $at, $value, %set) = @_;

    my %row = (account_id => "'$to->{account}'", series_id => "'$series'",
               day => "('$at'::timestamptz at time zone 'UTC')::date",
               recorded_at => "'$at'", recorded_nanos => 0, value => $value,
               %set);
    my @columns = sort keys %row;
    $to->sql('insert into agentvista.metric_points (' . join(', ', @columns)
             . ') values (' . join(', ', @row{@columns}) . ')');
}

sub values_of {
    my ($answer) = @_;

    return "$answer->{status} $answer->{body}" if $answer->{status} != 200;
    return join ' ', map { $_->{value} } @{ $answer->{json}{data_points} };
}


is($api->get('/dashboard/metrics/')->{body}, '[]', 'none');
is($api->get($query, name => 'cpu')->{status}, 404, 'not found');
$api->refuses($query, '', 'name');
$api->refuses($query, 'name=', 'name');

metric($api, 'cpu', 1, unit => '1', description => 'load', counted => 1);
metric($api, 'Bytes', 2);
metric($api, 'latency', 3, unit => 'ms');
metric($api, 'sizes', 4);
metric($api, 'quantiles', 5);
metric($other, 'secret', 1);

my $h1 = series($api, 'cpu', '{"host":"h1","core":0}');
my $h2 = series($api, 'cpu', '{"host":"h2","core":0}');

# today, a minute apart, in the order of the values
my $now = time;
my @at = map { iso(-1000 + 60 * $_, $now) =~ s/\.\d+Z/Z/r } 0 .. 9;
point($api, $_ % 2 ? $h2 : $h1, $at[$_], $_) for 0 .. 9;

subtest 'the list' => sub {
    my $answer = $api->get('/dashboard/metrics');

    is($Api::Json->encode($answer->{json}), $Api::Json->encode([
        { name => 'Bytes', metric_type => 'sum', unit => '', description => '',
          data_point_count => 0 },
        { name => 'cpu', metric_type => 'gauge', unit => '1',
          description => 'load', data_point_count => 5 },
        { name => 'latency', metric_type => 'histogram', unit => 'ms',
          description => '', data_point_count => 0 },
        { name => 'quantiles', metric_type => 'summary', unit => '',
          description => '', data_point_count => 0 },
        { name => 'sizes', metric_type => 'exponential_histogram', unit => '',
          description => '', data_point_count => 0 }]), 'by name');
    is($other->get('/dashboard/metrics/')->{json}[0]{name}, 'secret',
       'others see theirs');
};


subtest 'points' => sub {
    my $answer = $api->get($query, name => 'cpu');
    my $json = $answer->{json};

    is(join('|', @$json{qw(name metric_type unit description)}),
       'cpu|gauge|1|load', 'envelope');
    is(values_of($answer), '0 1 2 3 4 5 6 7 8 9', 'oldest first');
    is($Api::Json->encode($json->{data_points}[1]), $Api::Json->encode(
        { value => 1, timestamp => $at[1],
          labels => { host => 'h2', core => 0 } }), 'a point');

    my $values = sub { values_of($api->get($query, name => 'cpu', @_)) };

    is($values->(limit => 3), '7 8 9', 'the newest are kept');
    is($values->(limit => 0), '9', 'a limit is clamped');
    is($values->(limit => 1000000), '0 1 2 3 4 5 6 7 8 9', 'both ways');
    is($values->(start => $at[3], end => $at[5]), '3 4 5', 'both inclusive');
    is($values->(start => $at[8]), '8 9', 'start');
    is($values->(end => $at[1]), '0 1', 'end');
    is($values->(start => $at[5], end => $at[3]), '', 'reversed');
    is($values->(labels => '{"host":"h1"}'), '0 2 4 6 8', 'a label');
    is($values->(labels => '{"host":"h1","core":"0"}'), '0 2 4 6 8', 'two');
    is($values->(labels => '{"host":"h1","core":"1"}'), '', 'all must match');
    is($values->(labels => '{"host":"H1"}'), '', 'exactly');
    is($values->(labels => '{}'), '0 1 2 3 4 5 6 7 8 9', 'none');
    is(values_of($api->get($query, name => 'Bytes')), '', 'no points');
    is($other->get($query, name => 'cpu')->{status}, 404, 'not for others');
    is($api->get($query, name => 'CPU')->{status}, 404, 'exact name');

    my $b = series($api, 'Bytes', '{}', 2);
    point($api, $b, $at[0], '9.007199254740993e15',
          integer_value => '9007199254740993', recorded_nanos => 5);
    point($api, $b, $at[1], "'NaN'");
    point($api, $b, $at[2], "'-Infinity'");
    like($api->get($query, name => 'Bytes')->{body},
         qr/"value" : 9007199254740993, .*:\d\d\.000000005Z.*"NaN".*"-Infinity"/s,
         'every digit, and what is no number as text');
};


subtest 'histograms' => sub {
    my $l = series($api, 'latency', '{"service.name":"api"}', 1);

    point($api, $l, $at[$_], 25, count => 4, sum => 100, min => 0, max => 40,
          buckets => q('{"bounds":[10,20],"counts":[1,2,1]}'))
        for 0 .. 3;

    my $point = $api->get($query, name => 'latency')->{json}{data_points}[0];
    is($Api::Json->encode($point), $Api::Json->encode(
        { value => 25, timestamp => $at[0],
          labels => { 'service.name' => 'api' }, count => 4, sum => 100,
          min => 0, max => 40,
          buckets => { bounds => [10, 20], counts => [1, 2, 1] } }),
       'a point');

    my $step = $api->get($query, name => 'latency', step => 86400 * 365)
                   ->{json}{data_points};
    is(scalar @$step, 1, 'one step');
    is(join(' ', @{ $step->[0] }{qw(value point_count p50)}), '25 4 15',
       'mean and median over its points');
    is($step->[0]{p95}, 36, 'p95');
    is($step->[0]{labels}{'service.name'}, 'api', 'common labels');

    my $c = series($api, 'sizes', '{}', 2);
    point($api, $c, $at[$_], 3, count => 8 * ($_ + 1), sum => 24,
          buckets => "'" . '{"scale":0,"zero_count":0,"positive":'
                     . '{"offset":0,"counts":[' . 4 * ($_ + 1) . ','
                     . 4 * ($_ + 1) . ']}}' . "'") for 0 .. 1;
    is($api->get($query, name => 'sizes', step => 86400 * 365)
           ->{json}{data_points}[0]{p50}, 2,
       'of cumulative buckets the latest count');

    for my $bad ('{"bounds":"x","counts":[1]}', '[]', '{}', 'null',
                 '{"counts":[1e400]}', '{"scale":"x"}', '{"counts":[]}',
                 '{"scale":99999,"positive":{"offset":99,"counts":[1]}}',
                 '{"scale":-99,"negative":{"offset":1e9,"counts":[1,"x"]}}',
                 '{"scale":0,"zero_count":3}')
    {
        point($api, $l, $at[4], 1, count => 1, buckets => "'$bad'");
        is($api->get($query, name => 'latency', step => 60)->{status}, 200,
           "buckets $bad");
        $api->sql("delete from agentvista.metric_points where account_id ="
                  . " '$api->{account}' and series_id = '$l' and recorded_at ="
                  . " '$at[4]'");
    }

    # 160 at most come of SDKs; others may be less modest
    my $many = join ',', (1) x 20000;
    my $e = series($api, 'sizes', '{"many":"1"}', 1);
    point($api, $e, $at[0], 1, count => 20000, sum => 20000,
          buckets => qq('{"scale":20,"zero_count":0,"positive":{"offset":0,)
                     . qq("counts":[$many]},"negative":{"offset":0,)
                     . qq("counts":[$many]}}'));
    is($api->get($query, name => 'sizes', labels => '{"many":"1"}',
                 step => 60)->{status}, 200, 'very many buckets');

    # seven times, since Postgres then has a plan that knows no values
    my $ranges = 'select count(*) from agentvista.metric_points p,'
                 . ' lateral agentvista.bucket_ranges(p)'
                 . " where p.series_id = '$e';";
    is($api->sql("set statement_timeout = '5s'; " . $ranges x 7),
       join("\n", (40000) x 7), 'in a time that grows with their number only');

    my $w = series($api, 'latency', '{"wide":"1"}', 1);
    point($api, $w, $at[0], 1, count => 4, min => '-1.7e308', max => '1.7e308',
          buckets => q('{"bounds":[-1.6e308,1.6e308],"counts":[1,2,1]}'));
    is($api->get($query, name => 'latency', labels => '{"wide":"1"}',
                 step => 60)->{status}, 200, 'the widest buckets');
};


subtest 'steps' => sub {
    my $values = sub {
        values_of($api->get($query, name => 'cpu', step => 31536000, @_))
    };

    is($values->(), '4.5', 'a mean');
    is($values->(aggregation => 'sum'), '45', 'a sum');
    is($values->(aggregation => 'min'), '0', 'a minimum');
    is($values->(aggregation => 'max'), '9', 'a maximum');
    is($values->(aggregation => 'count'), '10', 'a count');
    is($values->(labels => '{"host":"h2"}'), '5', 'of some series');
    is(values_of($api->get($query, name => 'cpu', step => 60, limit => 4)),
       '6 7 8 9', 'the newest steps');

    my $point = $api->get($query, name => 'cpu', step => 60)
                    ->{json}{data_points}[0];
    like($point->{timestamp}, qr/:00Z$/, 'a step begins at its multiple');
    is($Api::Json->encode($point->{labels}), '{"core":0}', 'common labels');

    metric($api, 'huge', 1);
    my $h = series($api, 'huge', '{}');
    point($api, $h, $at[$_], '1.7e308', sum => '1.7e308') for 0, 1;
    point($api, $h, $at[$_], '5e-324') for 2, 3;

    is(values_of($api->get($query, name => 'huge', step => 31536000,
                           aggregation => $_)), 'Infinity',
       "a $_ beyond what a double holds is infinite") for qw(avg sum);
    is(values_of($api->get($query, name => 'huge', step => 31536000,
                           start => $at[2])), '0', 'and one below it is 0');
};


subtest 'what is malformed is named' => sub {
    $api->refuses($query, "name=cpu&$_->[0]", $_->[1])
        for ['start=x', 'start'], ['end=x', 'end'], ['limit=x', 'limit'],
            ['labels=x', 'labels'], ['labels="x"', 'labels'],
            ['labels={"a":["b"]}', 'labels'], ['step=0', 'step'],
            ['step=-1', 'step'], ['step=x', 'step'], ['step=1e3', 'step'],
            ['step=99999999999', 'step'], ['aggregation=x', 'aggregation'],
            ['name=cpu', 'name'];
    $api->refuses($query, 'name=%ff', 'name');
};


is(join('', $api->{nginx}->logged(qw(alert emerg crit error))), '',
   'nothing serious in the error log');

done_testing();
