# Does the database hold what the clients were told it holds?
#
#     my ($account, $key) = Audit::account($pg, events_limit => 100);
#     my %found = Audit::compare($pg, $account, $record, ...);
#
# All of these must be 0:
#
#     missing      acknowledged traces that are not there, or not whole
#     duplicated   spans that are there more than once
#     orphans      spans whose trace is not there
#     miscounted   traces whose span_count is not the number of their spans
#     uncharged    accounts whose usage is not the number of their spans
#
# and the statistics of agents must be what the traces say.

package Audit;

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Test::More ();


my @Zero = qw(missing duplicated orphans miscounted uncharged);


sub account {
    my ($pg, %option) = @_;

    my $limit = $option{events_limit} // 'null';
    my $name = $option{name} // 'audit-' . Senders::uuid();
    my $key = 'av_' . sha256_hex(join ' ', Senders::uuid(), Senders::uuid(),
                                           Senders::uuid(), Senders::uuid());

    my $account = $pg->sql("insert into agentvista.accounts"
                           . " (name, events_limit) values ('$name', $limit)"
                           . " returning id");

    $pg->sql("insert into agentvista.api_keys"
             . " (account_id, key_hash, prefix, scopes) values ('$account',"
             . " sha256('$key'), '" . substr($key, 0, 11) . "',"
             . " '{read,write}')");

    return wantarray ? ($account, $key) : $key;
}


# Spans stored for an account, and what it was charged for.
sub stored {
    my ($pg, $account) = @_;

    return $pg->sql("select count(*) from agentvista.spans"
                    . " where account_id = '$account'");
}

sub charged {
    my ($pg, $account) = @_;

    return $pg->sql("select coalesce(sum(events), 0) from agentvista.usage"
                    . " where account_id = '$account'");
}


# The traces of a record that were acknowledged: [id, spans].
sub acknowledged {
    return map {
        my ($ids, $spans) = @$_;
        map { [$_, $spans] } @$ids;
    } grep { $_->[2] eq '200' && $_->[3] =~ /"rejected":0/ }
      map { @{ $_->{batches} } } @_;
}


# Looks at one account, or at all if it is undef.
sub compare {
    my ($pg, $account, @records) = @_;

    my @acked = acknowledged(@records);
    my $file = "$ENV{AGENTVISTA_TEST_DIR}/acked-$$";
    my $where = defined $account ? "where account_id = '$account'" : '';

    open my $list, '>', $file or die "$file: $!";
    print $list "$_->[0]\t$_->[1]\n" for @acked;
    close $list;

    my $out = script($pg, <<END);
begin isolation level repeatable read;

create temp table acked (trace_id uuid, spans integer);
\\copy acked from '$file'

create temp table stored as
select account_id, trace_id, home_day, count(*) as n,
       count(distinct span_id) as ids
from agentvista.spans $where
group by account_id, trace_id, home_day;

create temp table headers as
select account_id, trace_id, home_day, span_count
from agentvista.traces $where;

analyze stored;
analyze headers;

with a as (select trace_id, max(spans) as spans from acked group by 1),
     h as (select distinct trace_id from headers),
     s as (select trace_id, sum(ids) as ids from stored group by 1)
select count(*)
from a left join h using (trace_id) left join s using (trace_id)
where h.trace_id is null or a.spans > coalesce(s.ids, 0);

select coalesce(sum(n - ids), 0)
       + (select count(*) from (select from stored group by account_id,
                                trace_id having count(*) > 1) d)
from stored;

select count(*)
from stored s left join headers t using (account_id, trace_id, home_day)
where t.trace_id is null;

select count(*)
from headers t left join stored s using (account_id, trace_id, home_day)
where t.span_count <> coalesce(s.n, 0);

select count(*)
from (select account_id, sum(n) as n from stored group by 1) s
     full join (select account_id, sum(events) as n
                from agentvista.usage $where group by 1) u using (account_id)
where coalesce(s.n, 0) <> coalesce(u.n, 0);

commit;
END
    unlink $file;

    my %found = (acked => scalar @acked);
    @found{@Zero} = split /\n/, $out;

    return %found;
}


# One test: everything is in order.  Returns what was found.
sub sound {
    my ($pg, $account, $name, @records) = @_;

    my %found = compare($pg, $account, @records);
    my $text = join ', ', map { "$_ $found{$_}" } 'acked', @Zero;

    # of all accounts, and empty if the statistics are what the traces say
    my $wrong = `./scripts/check-statistics '@{[ $pg->conninfo ]}' 2>&1`;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::ok(!(grep { $found{$_} } @Zero) && $wrong eq '',
                   "$name: nothing lost, nothing twice, charged once")
        or Test::More::diag("$text\n$wrong");

    return %found;
}


# One test: no client was told anything that it must not be told.
sub clean {
    my ($name, $record, %allowed) = @_;

    my @bad = map { "$_: $record->{$_}" }
              grep { $record->{$_} && !$allowed{$_} } qw(cut silent);
    push @bad, "answer: $_" for @{ $record->{odd} };

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::ok(!@bad, "$name: only 200 and 503 with Retry-After, none cut")
        or Test::More::diag(join "\n", @bad[0 .. ($#bad > 4 ? 4 : $#bad)]);
}


# What psql prints for a script.
sub script {
    my ($pg, $text) = @_;

    my $file = "$ENV{AGENTVISTA_TEST_DIR}/script-$$.sql";

    open my $script, '>', $file or die "$file: $!";
    print $script $text;
    close $script;

    open my $psql, '-|', 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1',
         '-d', $pg->conninfo, '-f', $file
        or die "psql: $!";
    local $/;
    my $out = <$psql> // '';
    close $psql or die "psql failed on: $text\n";
    unlink $file;

    $out =~ s/\n\z//;
    return $out;
}


# A summary for people.
sub tell {
    my ($name, $record, %found) = @_;

    my $status = join ' ', map { "$_:$record->{status}{$_}" }
                           sort keys %{ $record->{status} };

    Test::More::note(sprintf '%s: answers %s; refused %d, closed %d, sent again %d,'
                 . ' slowest %.1f s%s', $name, $status || 'none',
                 $record->{refused}, $record->{closed}, $record->{again},
                 $record->{slowest},
                 join '', map { "; $_ $found{$_}" } sort keys %found);
}


1;
