# Read by nginx's ./configure once there is a makefile to add to: the
# description of the API, as a text of C.

cat << END                                                    >> $NGX_MAKEFILE

$NGX_OBJS/ngx_av_openapi_text.c:	$ngx_addon_dir/src/api/openapi.json \\
	$ngx_addon_dir/src/api/openapi.sed
	sed -f $ngx_addon_dir/src/api/openapi.sed \\
		$ngx_addon_dir/src/api/openapi.json > \$@.new
	mv \$@.new \$@

END
