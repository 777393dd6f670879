# The route table, as the compiler sees it:
#
#     for my $route (Routes::table()) {
#         $route->{method}, {path}, {scope};       # 'GET', '/agents', 'READ'
#         $route->{handler};                       # of the C side, or ''
#         for (@{ $route->{params} }) {
#             $_->{name}, {kind}, {flag}{PATH}, {default}, {min}, {max},
#             {words};                             # as ngx_av_params.h has them
#         }
#     }
#
# A row of a kind that is not known here is an error: whoever adds one says so
# below, and every test that walks the table has it.

package Routes;

use strict;
use warnings;

use IPC::Open2;

my @Headers = qw(src/api/ngx_av_router.h src/api/ngx_av_agentmark_routes.h);
my @Tables = qw(NGX_AV_ROUTES NGX_AV_AGENTMARK_ROUTES);

# What each kind of row, and of parameter, becomes.
my $Rows = <<'END';
#define ROW_OF_HANDLER(method, path, scope, handler)                          \
    @ROUTE;method;path;scope;handler OWN_PARAMS_OF_##handler
#define ROW_OF_QUERY(method, path, scope, style, function, ...)               \
    @ROUTE;method;path;scope; __VA_ARGS__
#define ROW_OF_OBJECTS(method, path, scope, style, function, ...)             \
    @ROUTE;method;path;scope; __VA_ARGS__
#define ROW_OF_ROWS(method, path, scope, style, function, form, ...)          \
    @ROUTE;method;path;scope; __VA_ARGS__
#define ROW_OF_ROW(method, path, scope, function, handler, form, ...)         \
    @ROUTE;method;path;scope;handler __VA_ARGS__
#define NGX_AV_PARAM(kind, name, flags)                                       \
    @PARAM;kind;name;flags;0;0;0;
#define NGX_AV_TEXT(name, flags, min, max)                                    \
    @PARAM;TEXT;name;flags;0;min;max;
#define NGX_AV_INTEGER(name, flags, value, min, max)                          \
    @PARAM;INTEGER;name;flags;value;min;max;
#define NGX_AV_WORD(name, flags, words, value)                                \
    @PARAM;WORD;name;flags;value;0;0;words
END

my @Table;


sub table {
    @Table = read_table() if !@Table;

    return @Table;
}


sub read_table {
    my $text = join '', map { slurp($_) } @Headers;
    my %words = words();
    my $source = $Rows;

    $source .= "#define $1\n"
        while $text =~ /^#define ((?:.*\\\n)*.*)/mg;

    for my $name (@Tables) {
        my ($kinds) = $text =~ /^#define $name\(([^)]*)\)/m
            or die "there is no table $name in @Headers\n";
        my @kinds = split /, */, $kinds;

        for (@kinds) {
            die "$name has rows of an unknown kind, $_: see t/lib/Routes.pm\n"
                if $Rows !~ /^#define ROW_OF_$_\(/m;
        }

        $source .= "$name(" . join(', ', map { "ROW_OF_$_" } @kinds) . ")\n";
    }

    $source = own_params() . $source;

    my @routes;

    for (split /\@/, expand($source)) {
        s/"\s+"//g;
        s/\s+/ /g;
        s/OWN_PARAMS_OF_\w+//;
        my ($what, @field) = map { s/^[ ,"]+|[ ,"]+$//gr } split /;/;

        if (($what // '') eq 'ROUTE') {
            push @routes, { method => $field[0], path => $field[1],
                            scope => $field[2] =~ s/^NGX_AV_SCOPE_//r,
                            handler => $field[3] // '', params => [] };

        } elsif (($what // '') eq 'PARAM') {
            push @{ $routes[-1]{params} }, param(\%words, @field);
        }
    }

    return @routes;
}


sub param {
    my ($words, $kind, $name, $flags, $value, $min, $max, $list) = @_;

    my %flag = map { $_ => 1 } $flags =~ /NGX_AV_PARAM_(\w+)/g;
    my $number = sub { $_[0] =~ /^-?\d+$/ ? $_[0] : undef };
    my $param = { name => $name, kind => $kind, flag => \%flag,
                  default => undef, min => $number->($min),
                  max => $number->($max), words => undef };

    if ($kind eq 'WORD') {
        my $known = $words->{$list} or die "there is no array $list\n";

        $param->{words} = [map { $_->[0] } @$known];
        ($param->{default}) = map { $_->[0] } grep { $_->[1] eq $value }
                                  @$known if $flag{DEFAULT};

    } elsif ($flag{DEFAULT}) {
        $param->{default} = $value;
    }

    return $param;
}


# Definitions of what handlers with a table of their own take: those in files
# that have one.
sub own_params {
    my $source = '';

    for my $file (grep { !/router/ } glob 'src/api/*.c') {
        my $text = slurp($file);

        my ($params) = $text =~ /ngx_av_param_t \s+ \w+_params\[\] \s = \s \{
                                 (.*?) NGX_AV_PARAM_LAST/sx or next;

        $source .= "#define OWN_PARAMS_OF_$1 " . $params =~ s/\s+/ /gr . "\n"
            while $text =~ /^(\w+)\(ngx_http_request_t \*r\)\n\{/mg;
    }

    return $source;
}


# name => [[word, number], ...] of the arrays of words.
sub words {
    my %words;

    for my $file (glob 'src/api/*.c') {
        my $text = slurp($file);

        while ($text =~ /ngx_av_param_word_t\s+(\w+)\[\] = \{(.*?)\n\};/sg) {
            my ($name, $list) = ($1, $2);

            $words{$name} = [$list =~ /string\("([^"]*)"\), (\w+)/g];
            $words{$name} = [map { [@{ $words{$name} }[2 * $_, 2 * $_ + 1]] }
                                 0 .. @{ $words{$name} } / 2 - 1];
        }
    }

    return %words;
}


# By the C preprocessor, of definitions and nothing else.
sub expand {
    my ($source) = @_;

    my $pid = open2(my $out, my $in, 'cc -E -P -x c -');

    print $in $source;
    close $in;

    my $text = do { local $/; <$out> };
    waitpid $pid, 0;
    die "cc -E fails\n" if $?;

    return $text;
}


sub slurp {
    my ($path) = @_;

    open my $file, '<', $path or die "$path: $!";
    local $/;

    return <$file>;
}


1;
