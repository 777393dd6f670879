# make                 the dynamic module: .build/ngx_agentvista_module.so
# make static          a whole nginx with the module linked in: .build/nginx
# make asan            the same with sanitizers, for the tests: .build/asan/nginx
# make unit            unit tests of src/core
# make test            everything ./scripts/test runs
# make install         DESTDIR= and the *_DIR variables below say where
# make clean
#
# NGINX_SRC is the distribution's nginx-dev tree or any nginx source tree;
# NGINX_FLAGS are more arguments of its ./configure.

SHELL       = /bin/bash

BUILD       = .build
NGINX_SRC   = /usr/share/nginx/src
NGINX_FLAGS =
MODULES_DIR = /usr/lib/nginx/modules
SNIPPET_DIR = /usr/share/nginx/modules-available
SHARE_DIR   = /usr/share/ngx-agentvista

# A static nginx needs nginx's .c files, which nginx-dev leaves out: without a
# tree of your own, the distribution's source package is fetched.
FULL_SRC    = $(if $(wildcard $(NGINX_SRC)/src/core/nginx.c),$(NGINX_SRC),$(BUILD)/nginx-source)

HARDENING   = -g -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
              -Wformat -Werror=format-security -fPIC
# Linked statically, for one log_path: as shared objects the two fight over it.
SANITIZERS  = -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
              -DNGX_DEBUG_PALLOC=1 -DNGX_DEBUG_MALLOC=1

MODULE      = ngx_agentvista_module
SOURCES     = $(wildcard $(MODULE).c src/*/*.[ch] src/ingest/*/*.[ch])


.PHONY: all static asan unit unit-programs test install clean FORCE

all: $(BUILD)/$(MODULE).so

static: $(BUILD)/nginx

asan: $(BUILD)/asan/nginx


# One configured nginx tree per kind of build: what it is made from, its flags.

$(BUILD)/dynamic/Makefile: TREE    = $(NGINX_SRC)
$(BUILD)/dynamic/Makefile: OPTIONS = --add-dynamic-module=$(CURDIR) \
                               --with-cc-opt='$(HARDENING)' \
                               --with-ld-opt='-Wl,-z,relro -Wl,-z,now'

$(BUILD)/static/Makefile: TREE    = $(FULL_SRC)
$(BUILD)/static/Makefile: OPTIONS = --add-module=$(CURDIR) \
                              --with-cc-opt='$(HARDENING)' \
                              --with-ld-opt='-Wl,-z,relro -Wl,-z,now'

$(BUILD)/asan/Makefile: TREE    = $(FULL_SRC)
$(BUILD)/asan/Makefile: OPTIONS = --add-module=$(CURDIR) --with-debug \
                            --with-cc-opt="$(SANITIZERS)" \
                            --with-ld-opt="-fsanitize=address,undefined -static-libasan -static-libubsan"

$(BUILD)/static/Makefile $(BUILD)/asan/Makefile: | $(FULL_SRC)

# ./configure runs again only when its inputs or the set of sources changed.
$(BUILD)/%/Makefile: FORCE
	@./scripts/configure $(@D) $(TREE) '$(SOURCES)' $(OPTIONS) $(NGINX_FLAGS)

$(BUILD)/nginx-source:
	./scripts/nginx-source $@


$(BUILD)/$(MODULE).so: $(BUILD)/dynamic/Makefile FORCE
	@$(MAKE) --no-print-directory -C $(<D) -f objs/Makefile modules
	@cmp -s $(<D)/objs/$(MODULE).so $@ || install $(<D)/objs/$(MODULE).so $@

$(BUILD)/nginx: $(BUILD)/static/Makefile FORCE
	@$(MAKE) --no-print-directory -C $(<D) -f objs/Makefile binary
	@cmp -s $(<D)/objs/nginx $@ || install $(<D)/objs/nginx $@

$(BUILD)/asan/nginx: $(BUILD)/asan/Makefile FORCE
	@$(MAKE) --no-print-directory -C $(<D) -f objs/Makefile binary
	@ln -sf objs/nginx $@


UNIT = $(MAKE) --no-print-directory -C t/unit NGX_SRC=$(abspath $(NGINX_SRC)) \
       NGX_OBJS=$(abspath $(BUILD)/dynamic/objs) BUILD=$(abspath $(BUILD)/unit)

unit: $(BUILD)/dynamic/Makefile
	+$(UNIT) check

unit-programs: $(BUILD)/dynamic/Makefile
	+@$(UNIT) all

test:
	./scripts/test

install: all
	install -d '$(DESTDIR)$(MODULES_DIR)' '$(DESTDIR)$(SNIPPET_DIR)' \
	    '$(DESTDIR)$(SHARE_DIR)/'{conf,scripts,src/sql/migrations,src/sql/functions}
	install -m 644 $(BUILD)/$(MODULE).so '$(DESTDIR)$(MODULES_DIR)'
	echo 'load_module modules/$(MODULE).so;' \
	    > '$(DESTDIR)$(SNIPPET_DIR)/mod-agentvista.conf'
	install -m 644 $(wildcard conf/*.conf conf/*.json) '$(DESTDIR)$(SHARE_DIR)/conf'
	install -m 644 src/sql/migrations/*.sql '$(DESTDIR)$(SHARE_DIR)/src/sql/migrations'
	install -m 644 src/sql/functions/*.sql '$(DESTDIR)$(SHARE_DIR)/src/sql/functions'
	install -m 644 scripts/lib.sh '$(DESTDIR)$(SHARE_DIR)/scripts'
	install -m 755 scripts/migrate scripts/admin scripts/check-statistics '$(DESTDIR)$(SHARE_DIR)/scripts'

clean:
	rm -rf $(BUILD)
