/*
 * Plays as in LEAF and in McMahan et al. 2017, section 3: each speaker is a user and
 * learns to predict the next character of the own lines. A speech begins with a line
 * "NAME:" at the start of the file or behind an empty line, and ends before the next one.
 * The speeches of a speaker are put behind one another and cut into sequences of `seq`
 * characters; the target of a sequence is the same text one character on. Both lie in one
 * copy of the text, a byte per character.
 */
#include <string.h>

#include "../data_file.h"
#include "line_reader.h"
#include "readers.h"

enum {
    MAX_SPEAKERS = 1 << 20,
    MAX_LINE = 1 << 20,
    MAX_SEQ = 1 << 16,
    MAX_TEXT = 1 << 28
};

/* One line that somebody says. */
typedef struct spoken {
    uint32_t speaker, from, len;
} spoken;

typedef struct play {
    fed_span text;
    fed_name_table speakers;
    fed_bytes lines; /* spoken */
    uint32_t *chars; /* per speaker: how many characters */
    uint32_t *user;  /* per speaker: its user number, or NOBODY */
    uint8_t *tokens; /* the users' texts, one behind the other */
    uint32_t n_tokens;
    uint32_t users, rows;
    uint8_t token_of[256];
    bool known[256];
} play;

#define NOBODY UINT32_MAX

static void fini_play(play *p)
{
    fed_name_table_fini(&p->speakers);
    fed_bytes_fini(&p->lines);
    fed_free(p->chars);
    fed_free(p->user);
}

static const spoken *lines_of(const play *p, size_t *n)
{
    *n = p->lines.len / sizeof(spoken);
    return (const spoken *)(const void *)p->lines.data;
}

static fed_status add_line(play *p, uint32_t speaker, fed_span line, fed_error *err)
{
    spoken s = {speaker, (uint32_t)(line.data - p->text.data), (uint32_t)line.len};
    fed_bytes_put(&p->lines, &s, sizeof s);
    return p->lines.status ? fed_fail_nomem(err, p->lines.len) : FED_OK;
}

static fed_status read_speeches(play *p, fed_error *err)
{
    fed_lines lines;
    fed_span line;
    bool after_gap = true;
    uint32_t speaker = NOBODY;
    fed_lines_init(&lines, p->text, MAX_LINE);
    while (!fed_lines_done(&lines)) {
        FED_TRY(fed_lines_next(&lines, &line, err));
        fed_status status = FED_OK;
        if (after_gap && line.len > 1 && line.data[line.len - 1] == ':')
            status = fed_name_table_add(&p->speakers, (fed_span){line.data, line.len - 1},
                                        &speaker, err);
        else if (line.len && speaker == NOBODY)
            status = fed_fail(err, FED_E_FORMAT, "\"%s\" before any speaker (NAME:)",
                              fed_show(line).text);
        else if (line.len)
            status = add_line(p, speaker, line, err);
        if (status) return fed_fail_in(err, status, "line %u", lines.number);
        after_gap = line.len == 0;
    }
    if (!p->speakers.n) return fed_fail(err, FED_E_FORMAT, "no speaker (a line NAME:)");
    return FED_OK;
}

/* Who says enough becomes a user, in order of appearance. */
static fed_status choose_users(play *p, const fed_text_options *o, fed_error *err)
{
    size_t n;
    const spoken *lines = lines_of(p, &n);
    p->chars = fed_calloc(p->speakers.n, sizeof *p->chars);
    p->user = fed_calloc(p->speakers.n, sizeof *p->user);
    if (!p->chars || !p->user)
        return fed_fail_nomem(err, p->speakers.n * sizeof *p->chars);
    for (size_t i = 0; i < n; i++)
        p->chars[lines[i].speaker] += lines[i].len + 1; /* with its line end */
    uint32_t least = o->min_chars > o->seq + 1 ? o->min_chars : o->seq + 1;
    for (uint32_t s = 0; s < p->speakers.n; s++) {
        bool enough = p->chars[s] >= least;
        p->user[s] = enough ? p->users++ : NOBODY;
        if (enough) p->n_tokens += p->chars[s];
    }
    if (p->users) return FED_OK;
    return fed_fail(
        err, FED_E_FORMAT,
        "none of %u speakers says %u characters (min_chars=%u, seq=%u and one more)",
        p->speakers.n, least, o->min_chars, o->seq);
}

bool fed_ascii_token(uint8_t c, uint8_t *token)
{
    bool known = c == '\n' || (c >= 32 && c <= 126);
    *token = c == '\n' || !known ? 0 : (uint8_t)(c - 31);
    return known;
}

/* vocab=file: the bytes that occur, in order. vocab=ascii: the line end and 32..126. */
static fed_status make_vocabulary(play *p, fed_data *ds, const fed_text_options *o,
                                  fed_error *err)
{
    bool occurs[256] = {false};
    for (size_t i = 0; i < p->text.len; i++)
        occurs[p->text.data[i]] = true;
    occurs['\n'] = true;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t token;
        bool ascii = fed_ascii_token((uint8_t)c, &token);
        p->known[c] = o->ascii ? ascii : occurs[c] && c != '\r';
        if (p->known[c]) p->token_of[c] = (uint8_t)ds->info.vocab++;
    }
    char *names = fed_data_alloc(ds, 256, 2, err);
    uint32_t *start = names ? fed_data_alloc(ds, 256, sizeof *start, err) : NULL;
    if (!start) return FED_E_NOMEM;
    for (unsigned c = 0; c < 256; c++)
        if (p->known[c]) {
            names[2 * p->token_of[c]] = (char)c;
            start[p->token_of[c]] = 2u * p->token_of[c];
        }
    ds->classes = (fed_names){names, start, ds->info.vocab};
    return FED_OK;
}

static fed_status encode_line(const play *p, const spoken *line, uint8_t *to,
                              fed_error *err)
{
    for (uint32_t i = 0; i < line->len; i++) {
        uint8_t c = p->text.data[line->from + i];
        if (!p->known[c])
            return fed_fail(
                err, FED_E_FORMAT,
                "byte %zu: 0x%02x is not in the vocabulary (vocab=file takes it)",
                (size_t)line->from + i, c);
        to[i] = p->token_of[c];
    }
    to[line->len] = p->token_of['\n'];
    return FED_OK;
}

/* chars[speaker] becomes the place where the speaker's next line goes. */
static fed_status encode_users(play *p, fed_data *ds, fed_error *err)
{
    size_t n;
    uint32_t at = 0;
    const spoken *lines = lines_of(p, &n);
    p->tokens = fed_data_alloc(ds, p->n_tokens, 1, err);
    if (!p->tokens) return FED_E_NOMEM;
    for (uint32_t s = 0; s < p->speakers.n; s++) {
        uint32_t chars = p->chars[s];
        p->chars[s] = at;
        if (p->user[s] != NOBODY) at += chars;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t s = lines[i].speaker;
        if (p->user[s] == NOBODY) continue;
        FED_TRY(encode_line(p, &lines[i], p->tokens + p->chars[s], err));
        p->chars[s] += lines[i].len + 1;
    }
    return FED_OK; /* chars[speaker] is now where the speaker's text ends */
}

typedef struct row_list {
    uint32_t *start, *user_of; /* NULL while they are counted */
    uint32_t n;
} row_list;

/* The later sequences of a speaker are the test part. */
static void list_rows(const play *p, const fed_text_options *o, fed_data_part part,
                      row_list *rows)
{
    uint32_t begin = 0;
    rows->n = 0;
    for (uint32_t s = 0; s < p->speakers.n; s++) {
        if (p->user[s] == NOBODY) continue;
        uint32_t sequences = (p->chars[s] - begin - 1) / o->seq;
        uint32_t train = sequences - (uint32_t)(sequences * o->test);
        uint32_t from = part == FED_DATA_TRAIN ? 0 : train;
        uint32_t to = part == FED_DATA_TRAIN ? train : sequences;
        for (uint32_t i = from; i < to; i++, rows->n++) {
            if (!rows->start) continue;
            rows->start[rows->n] = begin + i * o->seq;
            rows->user_of[rows->n] = p->user[s];
        }
        begin = p->chars[s];
    }
}

static fed_status make_rows(const play *p, fed_data *ds, const fed_text_options *o,
                            fed_data_part part, fed_error *err)
{
    row_list rows = {NULL, NULL, 0};
    list_rows(p, o, part, &rows);
    if (!rows.n) return fed_fail(err, FED_E_FORMAT, "no sequence is left for this part");
    rows.start = fed_data_alloc(ds, rows.n, sizeof *rows.start, err);
    rows.user_of =
        rows.start ? fed_data_alloc(ds, rows.n, sizeof *rows.user_of, err) : NULL;
    if (!rows.user_of) return FED_E_NOMEM;
    list_rows(p, o, part, &rows);
    FED_TRY(fed_data_set_shape(ds, &o->seq, 1, err));
    ds->info.rows = rows.n;
    ds->info.input = FED_INPUT_TOKEN;
    ds->info.target = FED_TARGET_TOKEN;
    ds->info.target_len = o->seq;
    ds->info.classes = ds->info.vocab;
    ds->info.users = p->users;
    ds->inputs = (fed_cells){p->tokens, rows.start, o->seq, FED_CELL_U8};
    ds->targets = (fed_cells){p->tokens + 1, rows.start, o->seq, FED_CELL_U8};
    ds->user_of = rows.user_of;
    return FED_OK;
}

static fed_status name_users(const play *p, fed_data *ds, fed_error *err)
{
    fed_name_table users;
    uint32_t number;
    fed_status status = FED_OK;
    fed_name_table_init(&users, "speaker", MAX_SPEAKERS);
    for (uint32_t s = 0; !status && s < p->speakers.n; s++)
        if (p->user[s] != NOBODY)
            status = fed_name_table_add(
                &users, fed_span_of(fed_name_table_at(&p->speakers, s)), &number, err);
    if (!status) fed_name_table_give(&users, ds, &ds->users);
    fed_name_table_fini(&users);
    return status;
}

fed_status fed_text_parse(fed_data *ds, fed_span text, const fed_text_options *options,
                          fed_data_part part, fed_error *err)
{
    play p = {.text = text};
    if (text.len > MAX_TEXT)
        return fed_fail(err, FED_E_LIMIT, "%zu bytes of text, more than %d", text.len,
                        MAX_TEXT);
    fed_name_table_init(&p.speakers, "speaker", MAX_SPEAKERS);
    fed_bytes_init(&p.lines, (text.len / 2 + 1) * sizeof(spoken)); /* "a\n" at least */
    fed_status status = read_speeches(&p, err);
    if (!status) status = choose_users(&p, options, err);
    if (!status) status = make_vocabulary(&p, ds, options, err);
    if (!status) status = encode_users(&p, ds, err);
    if (!status) status = make_rows(&p, ds, options, part, err);
    if (!status) status = name_users(&p, ds, err);
    fini_play(&p);
    return status;
}

static fed_status read_options(fed_text_options *o, const fed_data_spec *spec,
                               fed_data_part part, fed_error *err)
{
    uint64_t seq, min_chars;
    const char *by = fed_data_spec_option(spec, "by");
    const char *vocab = fed_data_spec_option(spec, "vocab");
    if (by && strcmp(by, "speaker") != 0)
        return fed_fail(err, FED_E_UNSUPPORTED,
                        "data spec: by=%s; only by=speaker is built", by);
    if (vocab && strcmp(vocab, "file") != 0 && strcmp(vocab, "ascii") != 0)
        return fed_fail(err, FED_E_INVALID,
                        "data spec: vocab=%s is neither file nor ascii", vocab);
    FED_TRY(fed_data_spec_number(spec, "seq", 1, MAX_SEQ, 80, &seq, err));
    FED_TRY(fed_data_spec_number(spec, "min_chars", 0, 1 << 30, 1000, &min_chars, err));
    o->seq = (uint32_t)seq;
    o->min_chars = (uint32_t)min_chars;
    o->ascii = vocab && strcmp(vocab, "ascii") == 0;
    return fed_test_share_from_spec(spec, part, &o->test, err);
}

fed_status fed_text_open(fed_data *ds, const fed_data_spec *spec, fed_data_part part,
                         fed_error *err)
{
    fed_text_options options;
    fed_bytes file;
    FED_TRY(read_options(&options, spec, part, err));
    fed_bytes_init(&file, FED_DATA_MAX_FILE);
    fed_status status = fed_data_file_read_either(spec->path, &file, err);
    if (!status) {
        status = fed_text_parse(ds, (fed_span){file.data, file.len}, &options, part, err);
        status = fed_fail_in(err, status, "%s", spec->path);
    }
    fed_bytes_fini(&file);
    return status;
}
