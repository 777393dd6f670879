# What `nginx -t` says of the directives: where they may stand, what they take,
# how they are inherited.

use strict;
use warnings;

use lib 't/lib';
use AgentVista;
use Test::More;

my $dir = "$ENV{AGENTVISTA_TEST_DIR}/directives-$$";
my $binary = $ENV{TEST_NGINX_BINARY} || 'nginx';
my $load = join '', map { "load_module $_;\n" }
                    split ' ', $ENV{TEST_NGINX_LOAD_MODULES} // '';
my $secret = 'correct-horse-battery';

my $database = 'agentvista_database "host=127.0.0.1 user=agentvista'
               . " password=$secret dbname=agentvista\";";
my $zone = 'agentvista_zone 4m;';
my $api = 'location / { agentvista; }';

mkdir $dir or die "$dir: $!";
mkdir "$dir/$_" for qw(logs tmp);


# The output of nginx -t for directives of http{} and of a server.
sub check {
    my ($http, $server, %env) = @_;

    open my $conf, '>', "$dir/nginx.conf" or die $!;
    print $conf <<END;
$load
pid logs/nginx.pid;
error_log stderr;
events { }
http {
    client_body_temp_path tmp;
    proxy_temp_path tmp;
    fastcgi_temp_path tmp;
    uwsgi_temp_path tmp;
    scgi_temp_path tmp;
    $http
    server { listen unix:nginx.sock; $server }
}
END
    close $conf;

    local @ENV{keys %env} = values %env;

    return scalar `'$binary' -t -p '$dir/' -c '$dir/nginx.conf' 2>&1`;
}


sub good {
    my ($name, @conf) = @_;

    my $out = check(@conf);

    like($out, qr/test is successful/, $name);
    unlike($out, qr/$secret/, "$name: no password");
}


sub bad {
    my ($name, $message, @conf) = @_;

    my $out = check(@conf);

    like($out, $message, $name);
    like($out, qr/test failed/, "$name: nginx -t fails");
    unlike($out, qr/$secret/, "$name: no password");
}


# Databases

good('a connection string', "$database $zone", $api);

good('a URI', "agentvista_database"
     . " postgresql://agentvista:$secret\@127.0.0.1:5432/agentvista; $zone",
     $api);

good('the connection string from the environment',
     "agentvista_database env=AV_TEST_DB; $zone", $api,
     AV_TEST_DB => "host=127.0.0.1 user=a password=$secret");

open my $file, '>', "$dir/db" or die $!;
print $file "host=127.0.0.1 user=a password=$secret\n";
close $file;

good('the connection string from a file',
     "agentvista_database file=db; $zone", $api);

bad('a variable that is not set',
    qr/"agentvista_database" directive names an environment variable that is not set/,
    "agentvista_database env=AV_TEST_NO_SUCH; $zone", $api);

bad('a file that is not there', qr/open\(\) ".*\/no-such" failed/,
    "agentvista_database file=no-such; $zone", $api);

bad('no connection string', qr/"agentvista_database"/,
    "agentvista_database \"nonsense password=$secret\"; $zone", $api);

bad('an unknown option', qr/"agentvista_database"/,
    "agentvista_database \"host=127.0.0.1 user=a flavour=$secret\"; $zone",
    $api);

bad('a host that nobody knows', qr/no-such-host\.invalid/,
    "agentvista_database \"host=no-such-host.invalid user=a\"; $zone", $api);

bad('two databases', qr/"agentvista_database" directive is duplicate/,
    "$database $database $zone", $api);

bad('no database', qr/"agentvista_database" is missing in "http"/,
    $zone, $api);


# The zone

bad('no zone', qr/"agentvista_zone" is missing in "http"/, $database, $api);

bad('a zone that is too small', qr/too small: 1m is the least/,
    "$database agentvista_zone 512k;", $api);

bad('a zone without a size', qr/"agentvista_zone" directive has an invalid size/,
    "$database agentvista_zone big;", $api);


# Numbers, sizes, times

my %wrong = (
    'agentvista_writers 0' => qr/value must be between 1 and 64/,
    'agentvista_writers 65' => qr/value must be between 1 and 64/,
    'agentvista_readers none' => qr/invalid number/,
    'agentvista_depth 0' => qr/value must be between 1 and 512/,
    'agentvista_depth 513' => qr/value must be between 1 and 512/,
    'agentvista_statement_timeout soon' => qr/invalid value/,
    'agentvista_timeout -1' => qr/invalid value/,
    'agentvista_queue_memory lots' => qr/invalid value/,
    'agentvista_retention 36h' => qr/must be whole days, from 1d to 3660d/,
    'agentvista_retention 0d' => qr/must be whole days, from 1d to 3660d/,
    'agentvista_ahead 20y' => qr/must be whole days, from 1d to 3660d/,
    'agentvista_body_limit 0' => qr/agentvista_body_limit of 0/,
    'agentvista_body_limit 17m' =>
        qr/agentvista_body_limit over a sixth of agentvista_queue_memory/,
    'agentvista_attribute_limit 63' => qr/agentvista_attribute_limit must be at least 64/,
    'agentvista_span_limit 1000' => qr/agentvista_span_limit at least 1024/,
    'agentvista_access admin' => qr/invalid scope "admin"/,
    'agentvista_access read off' => qr/invalid scope "off"/,
);

for my $directive (sort keys %wrong) {
    bad($directive, $wrong{$directive},
        "$database $zone agentvista_queue_memory 33m; $directive;"
        =~ s/agentvista_queue_memory 33m; (?=agentvista_queue_memory)//r,
        $api);
}

good('every directive of http{}', "$database $zone"
     . ' agentvista_writers 1; agentvista_readers 2; agentvista_reader_queue 0;'
     . ' agentvista_connect_timeout 1s; agentvista_statement_timeout 2s;'
     . ' agentvista_queue_memory 64m; agentvista_retention 4w;'
     . ' agentvista_ahead 2d; agentvista_body_limit 1m;'
     . ' agentvista_inflated_limit 8m; agentvista_attribute_limit 64;'
     . ' agentvista_span_limit 1k; agentvista_depth 10; agentvista_timeout 5s;'
     . ' agentvista_access off;', $api);


# Places

bad('the API in a server', qr/"agentvista" directive is not allowed here/,
    "$database $zone", 'agentvista;');

bad('the API twice', qr/"agentvista" directive is duplicate/,
    "$database $zone", 'location / { agentvista; agentvista; }');

bad('a database in a server', qr/directive is not allowed here/,
    $zone, "$database $api");

bad('an unknown status', qr/invalid parameter "health"/,
    "$database $zone", 'location / { agentvista_status health; }');

bad('an access directive alone needs the database, too',
    qr/"agentvista_database" is missing/, '',
    'agentvista_access read; location / { empty_gif; }');

good('a database that nothing uses', "$database $zone",
     'location / { empty_gif; }');

done_testing();
