# scripts/migrate: an older database is brought up to date with what it holds,
# and where that fails, nothing of it has happened.

use strict;
use warnings;

use lib 't/lib';
use PrivateNginx ();
use PrivatePostgres;
use Test::More;

PrivateNginx::guard(120);

my $pg = PrivatePostgres->new;
my $tree = "$ENV{AGENTVISTA_TEST_DIR}/migrate-$$";
my ($account, $agent) = ('11111111-2222-4333-8444-555555555555',
                         'aaaaaaaa-2222-4333-8444-555555555555');

# a copy, to be spoilt
system("mkdir -p '$tree/src' && cp -r scripts '$tree' &&"
       . " cp -r src/sql '$tree/src'") == 0 or die;


# An empty database; how to connect to it.
sub database {
    my ($name) = @_;

    $pg->sql("create database $name");

    return $pg->conninfo =~ s/dbname=\S+/dbname=$name/r;
}


sub ask {
    my ($conninfo, $sql) = @_;

    open my $psql, '-|', 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1',
         '-F', ' ', '-d', $conninfo, '-c', $sql or die;
    chomp(my @rows = <$psql>);
    close $psql or die "psql: $sql";

    return join '|', @rows;
}


# Until a version, as if there were no later one, without functions.
sub migrate_until {
    my ($conninfo, $last) = @_;

    for my $file (glob 'src/sql/migrations/*.sql') {
        my ($version, $name) = $file =~ m{/0*(\d+)_(\w+)\.sql$};

        next if $version > $last;
        local $ENV{PGOPTIONS} = '-c client_min_messages=warning';
        system("psql -XqAt -v ON_ERROR_STOP=1 -d '$conninfo' -f $file"
               . ' > /dev/null') == 0 or die "$file fails";
        ask($conninfo, "insert into agentvista.schema_migrations values"
                       . " ($version, '$name')");
    }
}


subtest 'a broken file' => sub {
    my $conninfo = database('broken');

    open my $file, '>', "$tree/src/sql/functions/zz.sql" or die $!;
    print $file "select 1 / 0;\n";
    close $file;

    isnt(system("'$tree/scripts/migrate' '$conninfo' > /dev/null 2>&1"), 0,
         'ends it');
    is(ask($conninfo, "select count(*) from agentvista.schema_migrations"), 0,
       'no version is noted');
    is(ask($conninfo, "select to_regclass('agentvista.traces') is null"), 't',
       'and there is none of its tables');

    unlink "$tree/src/sql/functions/zz.sql";
    is(system("'$tree/scripts/migrate' '$conninfo' > /dev/null"), 0,
       'mended, it goes on');
};


subtest 'sums of agents, by days and hours until version 10' => sub {
    my $conninfo = database('hours');

    ask($conninfo, 'create schema agentvista;'
        . ' create table agentvista.schema_migrations (version integer'
        . ' primary key, name text not null, applied_at timestamptz'
        . ' not null default now())');
    migrate_until($conninfo, 10);

    my $columns = 'account_id, agent_id, %s, running, completed, failed,'
                  . ' timed_out, succeeded, unsucceeded, cost_usd, costed,'
                  . ' tokens, tokened, duration_ns, timed, buckets,'
                  . ' bucket_runs, retired, last_retired';
    my $row = sub {
        my ($when, $runs, $buckets, $retired) = @_;

        return "('$account', '$agent', '$when', 0, $runs, 1, 0, $runs, 1,"
               . " $runs * 0.5, $runs, $runs * 10, $runs, $runs * 1000,"
               . " $runs, '$buckets', " . ($retired
                   ? "1, '2026-01-02 05:00Z')" : '0, null)');
    };

    ask($conninfo, join '',
        "insert into agentvista.accounts (id, name) values ('$account', 'a');",
        "insert into agentvista.agents (account_id, id, name)",
        " values ('$account', '$agent', 'a');",
        'insert into agentvista.agent_days (', sprintf($columns, 'day'),
        ') values ',
        join(', ', map { $row->($_, 2, "{170,180}', '{1,1}", 1) }
                       '2026-01-02', '-infinity'), ';',
        'insert into agentvista.agent_hours (', sprintf($columns, 'hour'),
        ') values ',
        join(', ', $row->('2026-01-02 23:00Z', 3, "{170,171}', '{2,1}"),
                   $row->('2026-01-03 00:00Z', 4, "{180}', '{4}")));

    is(system("./scripts/migrate '$conninfo' > /dev/null"), 0, 'it is migrated');
    is(ask($conninfo, 'select day, completed, failed, cost_usd, tokens,'
                      . ' duration_ns, timed, buckets, bucket_runs, retired'
                      . ' from agentvista.agent_days order by day'),
       join('|', '-infinity 9 3 4.5 90 9000 9 {170,171,180} {3,1,5} 1',
                 '2026-01-02 5 2 2.5 50 5000 5 {170,171,180} {3,1,1} 1',
                 '2026-01-03 4 1 2.0 40 4000 4 {180} {4} 0'),
       'hours are in their days and in the sum of all');
    is(ask($conninfo, "select last_run_at at time zone 'UTC' from"
                      . " agentvista.agent_days where day = '-infinity'"),
       '2026-01-02 05:00:00', 'the last run is known');
    is(system("./scripts/migrate '$conninfo' > /dev/null"), 0, 'once more');
};

done_testing();
