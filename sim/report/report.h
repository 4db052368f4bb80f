/*
 * report: the figures of runs, and three ways to show them.
 *
 * A run is one simulation; a sweep is several, and is shown with a table to compare them.
 * The page needs no other file and no network: style and curves (SVG) are in it.
 */
#ifndef FED_REPORT_H
#define FED_REPORT_H

#include "base.h"

/** A round. Figures that were not measured are NaN. */
typedef struct fed_report_row {
    uint64_t version; /* after the round */
    bool committed;
    double accuracy, loss, train_loss;
    uint64_t upload_bytes, download_bytes; /* of all devices together */
    uint32_t invited, trained, survivors, dropped, not_finite, refused, crashes;
    double epsilon_output, epsilon_server; /* so far; INFINITY: nothing is promised */
} fed_report_row;

enum { FED_REPORT_LABEL_MAX = 256, FED_REPORT_NAME_MAX = 64 };

typedef struct fed_report {
    char label
        [FED_REPORT_LABEL_MAX]; /* "train.lr=0.1 update.bits=4"; empty: not a sweep */
    char plan[FED_REPORT_NAME_MAX];
    const char *fidelity, *kernel; /* borrowed; static texts */
    uint64_t seed;
    uint32_t clients, threads;
    fed_report_row *rows; /* owned */
    size_t n_rows, cap_rows;
    /* Totals, kept by fed_report_add(). */
    uint64_t rounds; /* versions made */
    uint64_t upload_bytes, download_bytes, uploads, trained, dropped, not_finite, refused,
        crashes;
    double accuracy, loss; /* the last that was measured */
    bool is_private;       /* else the next three, and those of the rows, mean nothing */
    double delta, epsilon_output, epsilon_server; /* at the end */
    const char *ended; /* borrowed; "done", or why it ended before */
    double wall_s, virtual_s;
    double clients_per_s; /* trained in a second of wall time, evaluation included */
    char model_sha256[65];
} fed_report;

void fed_report_init(fed_report *run);
void fed_report_fini(fed_report *run);
/** Append a round of which `uploads` devices sent an input. */
FED_MUST_CHECK fed_status fed_report_add(fed_report *run, const fed_report_row *row,
                                         uint32_t uploads, fed_error *err);
/** Measured: bytes that one device sends (fetches) in one round; 0 when none did. */
uint64_t fed_report_upload_per_device(const fed_report *run);
uint64_t fed_report_download_per_device(const fed_report *run);

/** Append one JSON object without a line end: the run, or {"runs": […]} for several. */
FED_MUST_CHECK fed_status fed_report_json(const fed_report *runs, size_t n,
                                          fed_bytes *out, fed_error *err);
/** Append a header line and a line for each round. */
FED_MUST_CHECK fed_status fed_report_csv(const fed_report *runs, size_t n, fed_bytes *out,
                                         fed_error *err);
/** Append the HTML page. */
FED_MUST_CHECK fed_status fed_report_page(const fed_report *runs, size_t n,
                                          fed_bytes *out, fed_error *err);

#endif
