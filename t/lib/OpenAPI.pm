# The document of the API, and whether answers are what it says:
#
#     OpenAPI::document()                  # decoded
#     OpenAPI::resolve($node)              # follows a $ref
#     OpenAPI::problems($schema, $value)   # in words; none: it is valid
#     OpenAPI::check($method, $uri, $answer)
#
# With AGENTVISTA_TEST_OPENAPI in the environment, as scripts/test sets it, the
# answers that PrivateNginx and Test::Nginx get come here, and a suite that got
# one the document does not allow fails at its end. Of answers that look alike
# one is looked at, for the others it would say the same.
#
# Objects must have no members besides those of the document: what is added to
# an answer is added there.

package OpenAPI;

use strict;
use warnings;

use B ();
use JSON::PP ();

my $Source = 'src/api/openapi.json';
my $Json = JSON::PP->new->utf8->allow_nonref;

# Of an answer, how much is looked at to tell its looks; and how large one may
# be, after the first of its kind.
my $Looks = 4096;
my $Large = 65536;

# Locations where Test::Nginx does not ask for the API by its own paths, or an
# operator answers in its stead, are none of the document's.
my $Foreign = qr/error_page|proxy_pass|return\s|limit_except|merge_slashes/;

my ($Document, @Paths, %Seen, %Answers, @Wrong, $Owner, $Watching);


sub enabled { return $ENV{AGENTVISTA_TEST_OPENAPI} }


sub document {
    if (!$Document) {
        open my $file, '<', $Source or die "$Source: $!";
        local $/;
        $Document = $Json->decode(<$file>);
    }

    return $Document;
}


sub resolve {
    my ($node) = @_;

    while (ref $node eq 'HASH' && $node->{'$ref'}) {
        my $at = document();

        $at = $at->{$_} // die "$node->{'$ref'} is not there\n"
            for split m{/}, $node->{'$ref'} =~ s{^#/}{}r;
        $node = $at;
    }

    return $node;
}


# --- schemas: as much of JSON Schema as the document uses ---------------------

my %Type = (
    object => sub { ref $_[0] eq 'HASH' },
    array => sub { ref $_[0] eq 'ARRAY' },
    boolean => sub { JSON::PP::is_bool($_[0]) },
    null => sub { !defined $_[0] },
    string => sub { defined $_[0] && !ref $_[0] && !is_number($_[0]) },
    number => sub { is_number($_[0]) },
    integer => sub { is_number($_[0]) && $_[0] == int $_[0] },
);

my $Day = qr/\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])/;

my %Format = (
    uuid => qr/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z/,
    'date' => qr/^$Day\z/,
    'date-time' => qr/^${Day}T[0-2]\d:[0-5]\d:[0-5]\d(?:\.\d+)?Z\z/,
    int64 => qr/^/,
);

# Each is given what the keyword has, the value, where that is, and the whole
# schema.
my %Keyword = (
    type => sub {
        my ($types, $value, $at) = @_;
        my @types = ref $types ? @$types : $types;

        return if grep { $Type{$_}->($value) } @types;
        return "$at is no " . join(' or ', @types) . ': ' . shown($value);
    },

    enum => sub {
        my ($words, $value, $at) = @_;

        return if grep { same($_, $value) } @$words;
        return "$at is none of its words: " . shown($value);
    },

    required => sub {
        my ($names, $value, $at) = @_;

        return if ref $value ne 'HASH';
        return map { "$at has no $_" } grep { !exists $value->{$_} } @$names;
    },

    properties => sub {
        my ($members, $value, $at) = @_;

        return if ref $value ne 'HASH';
        return map { problems($members->{$_}, $value->{$_}, "$at.$_") }
                   grep { exists $members->{$_} } sort keys %$value;
    },

    additionalProperties => sub {
        my ($more, $value, $at, $schema) = @_;
        my $known = $schema->{properties} // {};

        return if ref $value ne 'HASH';
        return map { problems($more, $value->{$_}, "$at.$_") }
                   grep { !exists $known->{$_} } sort keys %$value;
    },

    items => sub {
        my ($items, $value, $at) = @_;

        return if ref $value ne 'ARRAY';
        return map { problems($items, $value->[$_], $at . "[$_]") }
                   0 .. $#$value;
    },

    anyOf => sub {
        my ($some, $value, $at) = @_;

        return if grep { !problems($_, $value) } @$some;
        return "$at is nothing of what it may be: " . shown($value);
    },

    minItems => sub { ref $_[1] eq 'ARRAY' && @{ $_[1] } < $_[0]
                      ? "$_[2] has too few elements" : () },
    maxItems => sub { ref $_[1] eq 'ARRAY' && @{ $_[1] } > $_[0]
                      ? "$_[2] has too many elements" : () },
    minLength => sub { $Type{string}->($_[1]) && length $_[1] < $_[0]
                       ? "$_[2] is too short" : () },
    maxLength => sub { $Type{string}->($_[1]) && length $_[1] > $_[0]
                       ? "$_[2] is too long" : () },
    minimum => sub { is_number($_[1]) && $_[1] < $_[0]
                     ? "$_[2] is less than $_[0]: $_[1]" : () },
    maximum => sub { is_number($_[1]) && $_[1] > $_[0]
                     ? "$_[2] is more than $_[0]: $_[1]" : () },
    pattern => sub { $Type{string}->($_[1]) && $_[1] !~ /$_[0]/
                     ? "$_[2] does not match: " . shown($_[1]) : () },
    format => sub { $Type{string}->($_[1]) && $_[1] !~ $Format{$_[0]}
                    ? "$_[2] is no $_[0]: " . shown($_[1]) : () },

    description => sub { },
    default => sub { },
);


# What is wrong with a value, in words.
sub problems {
    my ($schema, $value, $at) = @_;

    $at //= 'it';
    $schema = resolve($schema);

    if (ref $schema ne 'HASH') {
        return $schema ? () : "$at is not in the document";
    }

    my @problems;

    for my $word (sort keys %$schema) {
        my $rule = $Keyword{$word}
            or die "t/lib/OpenAPI.pm knows no \"$word\" of schemas\n";

        push @problems, $rule->($schema->{$word}, $value, $at, $schema);
    }

    push @problems, $Keyword{additionalProperties}->(JSON::PP::false, $value,
                                                     $at, $schema)
        if $schema->{properties} && !exists $schema->{additionalProperties};

    return @problems;
}


# By what the decoder made of it: a number has no text yet.
sub is_number {
    my ($value) = @_;

    return 0 if !defined $value || ref $value;

    my $flags = B::svref_2object(\$value)->FLAGS;

    return $flags & (B::SVp_IOK | B::SVp_NOK) && !($flags & B::SVp_POK);
}


sub same {
    my ($one, $two) = @_;

    return !defined $one && !defined $two if !defined $one || !defined $two;
    return 0 if ref $two || is_number($one) != is_number($two);
    return $one eq $two;
}


sub shown {
    my ($value) = @_;

    return substr $Json->encode($value), 0, 80;
}


# --- answers -----------------------------------------------------------------

# The request's text, or its first line, and the answer of PrivateNginx.
sub seen {
    my ($request, $answer) = @_;

    my ($method, $uri) = $request =~ m{^([A-Z]+) (\S+)} or return;

    return if !defined $answer->{status};

    $Owner //= $$;
    push @Wrong, check($method, $uri, $answer);
}


# Problems, each with the request. Nothing of what has been looked at already.
sub check {
    my ($method, $uri, $answer) = @_;

    my ($path, $operation) = operation($method, $uri);
    my $status = $answer->{status};

    return if !$path;

    my $name = "$method $path $status";

    $Answers{"$method $path"}{$status}++;

    if (!$operation) {
        return if $status == 405 || $method eq 'OPTIONS' && $status == 204;
        return "$name: the method is not in the document" if $status < 400;
        return;
    }

    my $response = response($operation, $status)
        or return "$name: the status is not in the document";

    return if $method eq 'HEAD';
    return map { "$name: $_" } body_problems($name, $response, $answer);
}


# What has been looked at is to be looked at again.
sub forget { %Seen = () }


# The path of the document that a URI is, and what it has for the method; the
# path is undefined if there is none.
sub operation {
    my ($method, $uri) = @_;

    if (!@Paths) {
        for my $path (sort { precedence($a) cmp precedence($b) }
                      keys %{ document()->{paths} })
        {
            my $pattern = join '[^/]+', map { quotemeta }
                                            split /\{[^}]*\}/, $path, -1;
            push @Paths, [$path, qr/^$pattern\z/];
        }
    }

    $uri =~ s/\?.*//s;
    $uri =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    $uri =~ s{/+}{/}g;
    $uri =~ s{(.)/\z}{$1};
    $uri =~ s{^.*?/api/v1(?=/)}{};

    for (@Paths) {
        my ($path, $pattern) = @$_;

        next if $uri !~ $pattern;

        my $item = document()->{paths}{$path};

        return ($path, $item->{lc($method eq 'HEAD' ? 'GET' : $method)});
    }

    return;
}


# A parameter comes after any static segment.
sub precedence { return $_[0] =~ s/\{/~/gr }


sub response {
    my ($operation, $status) = @_;

    my $responses = $operation->{responses};

    return resolve($responses->{$status}) if $responses->{$status};
    return resolve($responses->{default}) if $status >= 400;
    return;
}


sub body_problems {
    my ($name, $response, $answer) = @_;

    my $content = $response->{content};
    my $body = $answer->{body} // '';

    if (!$content) {
        return if $body eq '' || $answer->{status} == 304;
        return 'has a body that is not in the document';
    }

    my ($type) = ($answer->{header}{'content-type'} // '') =~ m{^([^;\s]*)};
    my $media = $content->{$type}
        or return "has a type that is not in the document: \"$type\"";

    return if $type ne 'application/json' || !defined $media->{schema}
              || $answer->{header}{'content-encoding'};

    $body = joined($body)
        if ($answer->{header}{'transfer-encoding'} // '') eq 'chunked';

    my $looks = looks($body);

    return if $Seen{$name}{$looks}++;
    return if length $body > $Large && keys %{ $Seen{$name} } > 1;

    my $value = eval { $Json->decode($body) };

    return 'is not JSON: ' . substr $body, 0, 80 if $@;
    return problems($media->{schema}, $value);
}


# Which members there are, and of what kind.
sub looks {
    my ($body) = @_;

    my %looks = map { $_ => 1 }
                    substr($body, 0, $Looks) =~ /("\w+" ?: ?[\["{ntf-]?)/g;

    return join ',', sort keys %looks;
}


sub joined {
    my ($body) = @_;

    my $whole = '';

    while ($body =~ /\G([0-9a-f]+)\r\n/gci) {
        my $size = hex $1;

        $whole .= substr $body, pos $body, $size;
        pos($body) = (pos $body) + $size + 2;
        last if !$size;
    }

    return $whole;
}


# --- Test::Nginx ---------------------------------------------------------------

# Called once its modules are there.
sub watch_test_nginx {
    return if !enabled() || !defined &Test::Nginx::Socket::check_error_code;

    no warnings qw(redefine prototype once);

    my $check = \&Test::Nginx::Socket::check_error_code;

    return if $Watching++;

    *Test::Nginx::Socket::check_error_code = sub ($$$$$) {
        my ($block, $res, $dry_run, $req_idx) = @_;

        test_nginx_seen($block, $res, $req_idx) if !$dry_run && $res;

        goto &$check;
    };
}


sub test_nginx_seen {
    my ($block, $res, $index) = @_;

    my $config = ($block->config // '') . ($block->http_config // '');

    return if $config =~ $Foreign || defined $block->raw_request;

    my $request = $block->pipelined_requests // $block->request;
    $request = $request->[$index] if ref $request;
    $request = $request->[0] if ref $request;
    $request = $request->{value} if ref $request eq 'HASH';

    my %header = map { lc $_ => scalar $res->header($_) }
                     $res->header_field_names;
    delete $header{'transfer-encoding'};    # it is whole already

    seen($request =~ s/^\s+//r, { status => $res->code, header => \%header,
                                  body => $res->content });
}


END {
    my $status = $?;

    if (@Wrong && $$ == $Owner) {
        print STDERR "# Not as $Source has it:\n", map { "#   $_\n" } @Wrong;
        $status ||= 1;
    }

    if ($ENV{AGENTVISTA_TEST_OPENAPI_LOG} && %Answers && $$ == $Owner) {
        open my $log, '>>', $ENV{AGENTVISTA_TEST_OPENAPI_LOG};
        print $log "$_ @{[sort keys %{ $Answers{$_} }]}\n"
            for sort keys %Answers;
    }

    $? = $status;
}


1;
