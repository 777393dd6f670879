# Programs of t/clients, as clients of a PrivateNginx that serves OTLP in all
# the ways it can be reached:
#
#     my $server = Clients::server($pg);
#     my $sent = Clients::run($server, 'signals', key => $key,
#                             protocol => 'grpc', compression => 'gzip');
#
# A program prints one line of JSON, which run() returns decoded. start() and
# finish() do the same in two steps. scripts/setup --test installs what the
# programs need.

package Clients;

use strict;
use warnings;

use Cwd qw(getcwd);
use JSON::PP;
use PrivateNginx;


my $Json = JSON::PP->new->utf8;
my $Libraries = getcwd() . '/.build/clients/node_modules';


# An nginx with two more servers: one for OTLP over HTTP, with the paths of the
# specification, one for gRPC. Its access log has a line for each request of
# theirs: path, status, Retry-After, gRPC status.
sub server {
    my ($pg, %option) = @_;

    -d $Libraries or die "$Libraries is not there: scripts/setup --test\n";

    my ($http, $grpc) = map { PrivateNginx::free_port() } 1, 2;
    my $extra = delete $option{http} // '';
    my $prices = getcwd() . '/conf/prices.json';

    my $nginx = PrivateNginx->new(database => $pg->conninfo, %option,
                                  http => <<END);
    log_format otlp '\$uri \$status "\$sent_http_retry_after"'
                    ' "\$sent_http_grpc_status" "\$http_content_encoding"';
    agentvista_prices $prices;
    $extra

    server {
        listen 127.0.0.1:$http;
        access_log logs/otlp.log otlp;
        location /v1/ { agentvista; }
    }

    server {
        listen 127.0.0.1:$grpc http2;
        access_log logs/otlp.log otlp;
        location / { agentvista; }
    }
END

    $nginx->{otlp} = { http => $http, grpc => $grpc };

    $nginx->ready or die "nginx is not ready: see $nginx->{dir}/logs\n";

    return $nginx;
}


# The requests since the last time, as the access log has them.
sub requests {
    my ($nginx) = @_;

    open my $log, '<', "$nginx->{dir}/logs/otlp.log" or return;
    seek $log, $nginx->{otlp}{seen} // 0, 0;
    my @lines = map {
        my ($path, $status, @quoted) = /^(\S+) (\d+)((?: "[^"]*")*)/
            or die "odd line in the log: $_";
        my ($retry, $grpc, $encoding) = $quoted[0] =~ /"([^"]*)"/g;

        { path => $path, status => $status, retry => $retry, grpc => $grpc,
          encoding => $encoding }
    } <$log>;
    $nginx->{otlp}{seen} = tell $log;

    return @lines;
}


# Options: key; protocol, as OpenTelemetry names it; compression; timeout, of
# an export, in seconds; base: a path, where other than the standard one is to
# be used; env: more of the environment.
sub start {
    my ($nginx, $program, %option) = @_;

    my $protocol = $option{protocol} // 'http/protobuf';
    my $port = $nginx->{otlp}{$protocol eq 'grpc' ? 'grpc' : 'http'};

    $port = $nginx->{port} if $option{base};

    local %ENV = (
        %ENV,
        NODE_PATH => $Libraries,
        OTEL_EXPORTER_OTLP_PROTOCOL => $protocol,
        OTEL_EXPORTER_OTLP_ENDPOINT => "http://127.0.0.1:$port"
                                       . ($option{base} // ''),
        OTEL_EXPORTER_OTLP_HEADERS => "authorization=Bearer%20$option{key}",
        OTEL_EXPORTER_OTLP_COMPRESSION => $option{compression} // 'none',
        OTEL_EXPORTER_OTLP_TIMEOUT => 1000 * ($option{timeout} // 10),
        %{ $option{env} // {} }
    );

    my $pid = open my $out, '-|', 'node', "t/clients/$program.js"
        or die "node: $!";

    return { program => $program, pid => $pid, out => $out };
}


sub finish {
    my ($client) = @_;

    my $out = $client->{out};
    my $text = do { local $/; <$out> } // '';
    close $out or die "t/clients/$client->{program}.js has failed\n";

    return $Json->decode($text);
}


sub run {
    return finish(start(@_));
}


# A row, or several, as the query's one column of JSON has them.
sub json {
    my ($pg, $query) = @_;

    my $text = $pg->sql($query);

    return $text eq '' ? undef : $Json->decode($text);
}


1;
