# Logs: agentvista.md 9.

use strict;
use warnings;

use lib 't/lib';
use Api;
use Test::More;
use open qw(:std :encoding(UTF-8));

my $api = Api->new;
my $other = $api->stranger;
my $path = '/dashboard/logs/search';
my $scope = uuid();

$_->sql("insert into agentvista.scopes (account_id, id, service_name,"
        . " resource, attributes) values ('$_->{account}', '$scope', 'api',"
        . " '{}', '{}')") for $api, $other;

# A record so many seconds old; its id is made as ingestion does.
my $count = 0;

sub record {
    my ($to, $age, %set) = @_;

    my $seconds = time - $age;
    my $id = sprintf '%012x', 1000 * $seconds;
    $id .= '8000' . '8' . sprintf '%015x', ++$count;

    my %row = (
        account_id => "'$to->{account}'", id => "'$id'::uuid",
        logged_at => "to_timestamp($seconds)",
        day => "(to_timestamp($seconds) at time zone 'UTC')::date",
        severity => 3, service_name => "'api'", body => "'text'",
        attributes => "'{}'", scope_id => "'$scope'", %set);
    my @columns = sort keys %row;

    $to->sql('insert into agentvista.logs (' . join(', ', @columns)
             . ') values (' . join(', ', @row{@columns}) . ')');

    return $id =~ s/^(.{8})(.{4})(.{4})(.{4})/$1-$2-$3-$4-/r;
}

sub bodies {
    my ($answer) = @_;

    return "$answer->{status} $answer->{body}" if $answer->{status} != 200;
    return join ' ', map { $_->{body} } @{ $answer->{json}{logs} };
}

sub finds {
    my ($bodies, @query) = @_;

    my $answer = $api->get($path, @query);

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is(bodies($answer), $bodies, join ' ', 'search', @query);
    is($answer->{json}{total}, scalar(() = $bodies =~ /\S+/g), 'total')
        if "@query" !~ /limit|offset/;
}


is($api->get($path)->{body} =~ s/\s//gr,
   '{"total":0,"total_exact":true,"logs":[],"has_more":false,'
   . '"next_cursor":null}', 'nothing');

my $t = trace();
my $trace_id = $t->{trace}{trace_id};
$api->store($t);

my $id = record($api, 100, body => "'first'", severity => 5,
                attributes => "'{\"k\": 1}'", trace_id => "'$trace_id'",
                span_id => "'$trace_id'", logged_nanos => 7,
                event_name => "'e'");
record($api, 200, body => "'second'", service_name => "'web'", severity => 1);
my $unknown = record($api, 300, body => "'third'", trace_id => "'$scope'");
my $none = record($api, 200000, body => "'older'");
my $secret = record($other, 100, body => "'secret'",
                    trace_id => "'$trace_id'");

subtest 'a record' => sub {
    my $answer = $api->get($path, limit => 1);
    my $log = $answer->{json}{logs}[0];

    like(delete $log->{timestamp}, qr/^\S{19}\.000000007Z$/, 'timestamp');
    is($Api::Json->encode($log), $Api::Json->encode(
        { id => $id, severity => 'error', service_name => 'api',
          body => 'first', attributes => { k => 1 }, event_name => 'e',
          trace_id => $trace_id, span_id => $trace_id }), 'everything else');
    is($answer->{json}{total}, 4, 'total is before the limit');
};


subtest 'filters' => sub {
    finds('first second third older');
    finds('second', service_name => 'web');
    finds('', service_name => 'We');
    finds('first', severity => 'error');
    finds('second', severity => 'trace');
    finds('', severity => 'fatal');
    finds('first', trace_id => $trace_id);
    finds('first', trace_id => uc($trace_id) =~ s/-//gr);
    finds('', trace_id => uuid());
    finds('first second', start => iso(-250));
    finds('third older', end => iso(-250));
    finds('second', start => iso(-250), end => iso(-150));
    finds('', start => iso(-150), end => iso(-250));
    finds('older', end => iso(-100000), severity => 'info');
    finds('third older', service_name => 'api', severity => 'info');
};


subtest 'more words than a tsvector holds' => sub {
    my $id = record($api, 5000, body =>
        "(select 'firstword ' || string_agg(md5(i::text), ' ')"
        . " || ' lastword' from generate_series(1, 100000) i)");

    is($api->get($path, q => 'firstword', limit => 1)->{json}{logs}[0]{id},
       $id, 'its beginning is searched');
    $api->sql("delete from agentvista.logs where id = '$id'");
};


subtest 'full text' => sub {
    record($api, 1000, body => "'the_runner is running into timeouts at"
                               . " example.com/a?b=c'");
    record($api, 1001, body => "'a timeout of the runner'");
    record($api, 1002, body => "'run'");
    record($api, 1003, body => "''");
    record($api, 1004, body => 'null');

    my $matches = sub {
        my ($q) = @_;
        my $answer = $api->get($path, q => $q, start => iso(-1500),
                               end => iso(-900));
        return "$answer->{status} " . ($answer->{json}{total} // 'none')
               . ' ' . scalar @{ $answer->{json}{logs} // [] };
    };

    is($matches->($_->[0]), "200 $_->[1] $_->[1]", "q = $_->[0]")
        for ['timeout', 2], ['TIMEOUTS', 2], ['run', 2], ['runs', 2],
            ['timeout running', 1], ['"timeout of the runner"', 1],
            ['"runner of the timeout"', 0], ['timeout -running', 1],
            ['timeout or run', 3], ['nothing', 0],
            # nothing but stop words, or no words: no filter
            ['the', 5], ['   ', 5], ['', 5], ['!!!', 5], ['"', 5], ['-', 5],
            ['-the', 5];

    like($matches->($_), qr/^200 /, 'odd: ' . substr $_, 0, 20)
        for '&|!()<->:*', "'", "''", '\\', 'or or', 'or', '- - -', '"a "b',
            'a:*', '((', ')', '<->', '%', "\x{1F600}", 'x' x 3000,
            join(' or ', ('a1') x 300), '-' x 500;
};


subtest 'pages' => sub {
    finds('second third', limit => 2, offset => 1, start => iso(-500));
    finds('', limit => 2, offset => 100);

    my ($cursor, @seen);
    for (1 .. 10) {
        my $page = $api->get($path, limit => 1, start => iso(-500),
                             $cursor ? (cursor => $cursor) : ())->{json};
        push @seen, map { $_->{body} } @{ $page->{logs} };
        $cursor = $page->{next_cursor} // last;
        record($api, 1, body => "'new'");
    }
    is("@seen", 'first second third', 'by cursor');

    # as many as several partitions, words and no words
    my $busy = $api->stranger;
    $busy->sql("insert into agentvista.scopes (account_id, id, service_name,"
               . " resource, attributes) values ('$busy->{account}', '$scope',"
               . " 'api', '{}', '{}')");
    $busy->sql(<<END);
insert into agentvista.logs (account_id, day, id, logged_at, severity,
                             service_name, body, attributes, scope_id)
select '$busy->{account}', (at at time zone 'UTC')::date,
       (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0')
        || '80008' || lpad(to_hex(n), 15, '0'))::uuid,
       at, 3, 'api', 'word number ' || n, '{}', '$scope'
from (select n, date_trunc('milliseconds', now() - n * interval '1 minute')
                    as at
      from generate_series(1, 6000) n) as r;
END
    for my $q ('', 'word') {
        my (@n, $cursor);
        for (1 .. 20) {
            my $page = $busy->get($path, limit => 997, q => $q,
                                  $cursor ? (cursor => $cursor) : ())->{json};
            push @n, map { $_->{body} =~ /(\d+)/ } @{ $page->{logs} };
            $cursor = $page->{next_cursor} // last;
        }
        is(join(' ', @n), join(' ', 1 .. 6000), "all in order, q = '$q'");
    }

    my $first = $busy->get($path, q => 'word', limit => 5)->{json};
    is(join(' ', map { $_->{body} =~ /(\d+)/ } @{ $first->{logs} }),
       '1 2 3 4 5', 'the newest of many matches');
    is($first->{total_exact}, JSON::PP::false, 'whose number is not exact');
    cmp_ok($first->{total}, '<=', 6000, 'but a lower bound');

    my $few = $busy->get($path, q => 'word 77', limit => 5)->{json};
    is("$few->{total} $few->{logs}[0]{body}", '1 word number 77',
       'one among many');
};


subtest 'old records are found too, and counted' => sub {
    my $old = $api->stranger;
    $old->sql("insert into agentvista.scopes (account_id, id, service_name,"
              . " resource, attributes) values ('$old->{account}', '$scope',"
              . " 'api', '{}', '{}')");

    my $of = uuid();
    record($old, $_ * 86400, body => "'parcel_$_ lost near Heidelberg'",
           trace_id => "'$of'", severity => $_ == 10 ? 6 : 3)
        for 1, 3, 10, 25;
    record($old, $_ * 3600, body => "'nothing_$_'") for 1 .. 100;

    my $found = sub {
        my $answer = $old->get($path, @_)->{json};
        return join ' ', $answer->{total} // '-',
                         $answer->{total_exact} ? 'exact' : 'or more',
                         map { $_->{body} =~ /(\d+)/ } @{ $answer->{logs} };
    };

    is($found->(@{ $_->[0] }), $_->[1], "@{ $_->[0] }")
        for [[q => 'heidelberg lost'], '4 exact 1 3 10 25'],
            [[q => 'heidelberg', limit => 2], '3 or more 1 3'],
            [[q => 'heidelberg', limit => 2, offset => 1], '4 or more 3 10'],
            [[q => 'heidelberg', limit => 2, offset => 2], '4 exact 10 25'],
            [[q => 'heidelberg', severity => 'fatal'], '1 exact 10'],
            [[q => 'heidelberg', end => iso(-5 * 86400)], '2 exact 10 25'],
            [[q => 'heidelberg', start => iso(-5 * 86400)], '2 exact 1 3'],
            [[severity => 'fatal'], '1 exact 10'],
            [[trace_id => $of], '4 exact 1 3 10 25'],
            [[trace_id => $of, limit => 1], '4 exact 1'],
            [[trace_id => $of, q => 'parcel', limit => 3],
             '4 or more 1 3 10'],
            [[trace_id => $of, offset => 3], '4 exact 25'],
            [[limit => 1], '104 exact 1'],
            [[limit => 3, offset => 101], '104 exact 100 10 25'],
            [[end => iso(-2 * 86400)], '56 exact '
             . join(' ', 48 .. 72, 3, 73 .. 100, 10, 25)];
};


subtest 'limits' => sub {
    for (['limit=0', 1], ['limit=-1', 1], ['limit=5000', 4], ['offset=-3', 4],
         ['offset=99999999999999999999', 0])
    {
        my ($query, $n) = @$_;
        my $answer = $api->get($path, "$query&start=" . iso(-300000)
                                      . '&end=' . iso(-50)
                                      . '&q=first+or+second+or+third+or+older');

        is(scalar @{ $answer->{json}{logs} // [] }, $n, $query);
    }

    $api->refuses($path, @$_)
        for ['severity=x', 'severity'], ['severity=ERROR', 'severity'],
            ['trace_id=x', 'trace_id'], ['start=x', 'start'],
            ['end=x', 'end'], ['limit=x', 'limit'], ['offset=x', 'offset'],
            ['q=%ff', 'q'], ['cursor=0', 'cursor'], ['limit=1&limit=2', 'limit'];
};


subtest 'from a record to its trace' => sub {
    my $answer = $api->get("/dashboard/logs/$id/trace");

    is($answer->{status}, 200, 'found');
    is($answer->{body}, $api->get("/dashboard/traces/$trace_id")->{body},
       'it is the trace');
    is($api->get("/dashboard/logs/$_->[0]/trace")->{status}, 404, $_->[1])
        for [uuid(), 'an unknown record'], [$none, 'one without a trace'],
            [$unknown, 'one of a trace that is not stored'],
            [$secret, "another account's"], ['x', 'no id'],
            ['f' x 32, 'an id of no time'], ['0' x 32, 'nil'];
};


is($other->get($path)->{json}{total}, 1, 'others see theirs only');
is($other->get($path, trace_id => $trace_id)->{json}{logs}[0]{body}, 'secret',
   'also of the same trace id');
is(join('', $api->{nginx}->logged(qw(alert emerg crit error))), '',
   'nothing serious in the error log');

done_testing();
