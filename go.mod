module github.com/nsysdiff/nsysdiff

go 1.25.0
