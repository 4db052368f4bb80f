/*
 * cli: what the four programs share. Programs include this one header; rooms never do.
 *
 *   command_line  a program described by tables: options, commands, help, man page, exit codes
 *   progress      the one progress bar
 *   file          whole files, read and written safely
 *   stop          SIGINT and SIGTERM as a flag and a file descriptor
 */
#ifndef FED_CLI_H
#define FED_CLI_H

#include "command_line.h"
#include "file.h"
#include "progress.h"
#include "stop.h"

#endif
