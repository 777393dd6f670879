# The configuration that conf/ offers: as a user would set it up.

use strict;
use warnings;

use lib 't/lib';
use AgentVista ();
use Cwd 'getcwd';
use PrivateNginx;
use Test::More;

PrivateNginx::guard(60);

my $conf = getcwd() . '/conf';
my $port = AgentVista::free_port();

my $nginx = PrivateNginx->new(database => AgentVista::database(),
                              workers => 1, http => <<"END");
    server {
        listen 127.0.0.1:$port;
        include $conf/agentvista-locations.conf;
    }
END

$nginx->ready or die "nginx is not ready\n";
$nginx->{port} = $port;

my $key = AgentVista::key(AgentVista::account());


sub get {
    my ($path, @header) = @_;

    return $nginx->exchange(join "\r\n", "GET $path HTTP/1.0", @header, '', '');
}


subtest 'the locations' => sub {
    my $bearer = "Authorization: Bearer $key";

    is(get('/healthz')->{status}, 200, 'healthz');
    is(get('/readyz')->{status}, 200, 'readyz');
    like(get('/metrics')->{body}, qr/^agentvista_/m, 'metrics');
    is(get('/api/v1/agents', $bearer)->{status}, 200, 'the API');
    is(get('/v1/openapi.json')->{status}, 200, 'of AgentMark, too');
    is(get('/api/v1')->{header}{'content-type'}, 'application/json',
       'the API\'s base');
    is(get('/opentelemetry.proto.collector.x')->{header}{'content-type'},
       'application/json', 'gRPC');
};


subtest 'requests have an id' => sub {
    my %seen;

    for ('/api/v1/openapi.json', '/api/v1/agents', '/api/v1', '/v1/traces',
         '/opentelemetry.proto.collector.x')
    {
        my $id = get($_)->{header}{'x-request-id'} // '';

        like($id, qr/^[0-9a-f]{32}$/, $_);
        ok(!$seen{$id}++, 'of its own');
    }
};


subtest 'the files' => sub {
    my $dir = "$nginx->{dir}/etc";

    system("mkdir -p $dir/conf.d $dir/snippets $dir/log"
           . " && cp $conf/agentvista.conf $dir/conf.d"
           . " && cp $conf/agentvista-locations.conf $dir/snippets"
           . " && cp $conf/prices.json $dir"
           . " && sed s,/var/log/nginx,log, $conf/agentvista_otlp.conf"
           . " > $dir/conf.d/agentvista_otlp.conf"
           . " && sed -i 's/^#agentvista_prices/agentvista_prices/'"
           . " $dir/conf.d/agentvista.conf") == 0 or die "cannot copy conf/\n";

    open my $database, '>', "$dir/agentvista.database" or die $!;
    print $database AgentVista::database(), "\n";
    close $database;

    open my $main, '>', "$dir/nginx.conf" or die $!;
    print $main map { "load_module $_;\n" }
                    split ' ', $ENV{TEST_NGINX_LOAD_MODULES} // '';
    print $main "pid nginx.pid; error_log stderr; events { }\n",
                "http { access_log off; include conf.d/*.conf;\n",
                (map { "${_}_temp_path log;\n" }
                     qw(client_body proxy fastcgi uwsgi scgi)), "}\n";
    close $main;

    like(scalar `'$nginx->{binary}' -t -p '$dir/' -c '$dir/nginx.conf' 2>&1`,
         qr/test is successful/, 'nginx -t');
};


done_testing();
