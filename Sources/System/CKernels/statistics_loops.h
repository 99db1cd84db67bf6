// The loops of statistics.c for one type of numbers, included once for each:
// NUMBER is the type, COUNT an unsigned type as wide, NAME(stem) the name of its function.

static inline int NAME(is_finite)(NUMBER value) { return value - value == 0; }

CK_MULTIVERSION
void NAME(ck_summarize)(const NUMBER *restrict x, size_t count, double shift, double limit,
                        ck_summary *restrict summary) {
#pragma clang fp contract(off) reassociate(off)
  double sum[LANES] = {0}, squares[LANES] = {0};
  NUMBER least[LANES], greatest[LANES];
  COUNT finite[LANES] = {0}, zeros[LANES] = {0}, nans[LANES] = {0}, small[LANES] = {0};
  for (size_t i = 0; i < LANES; i++) {
    least[i] = (NUMBER)INFINITY;
    greatest[i] = (NUMBER)-INFINITY;
  }
  for (size_t start = 0; start < count; start += LANES) {
    NUMBER group[LANES];
    size_t length = count - start < LANES ? count - start : LANES;
    // What a last group lacks is NaN, and taken off the count of those below.
    for (size_t i = 0; i < LANES; i++) group[i] = (NUMBER)NAN;
    if (length == LANES)
      memcpy(group, x + start, sizeof group);
    else
      memcpy(group, x + start, length * sizeof(NUMBER));
    for (size_t i = 0; i < LANES; i++) {
      NUMBER value = group[i], size = value < 0 ? -value : value;
      int counts = NAME(is_finite)(value);
      double distance = counts ? (double)value - shift : 0.0;
      sum[i] += distance;
      squares[i] += distance * distance;
      NUMBER low = counts ? value : (NUMBER)INFINITY, high = counts ? value : (NUMBER)-INFINITY;
      least[i] = low < least[i] ? low : least[i];
      greatest[i] = high > greatest[i] ? high : greatest[i];
      finite[i] += (COUNT)counts;
      zeros[i] += value == 0;
      nans[i] += value != value;
      small[i] += (size < (NUMBER)limit) & (value != 0);
    }
  }
  *summary = (ck_summary){.least = INFINITY, .greatest = -INFINITY};
  for (size_t i = 0; i < LANES; i++) {
    summary->sum += sum[i];
    summary->squares += squares[i];
    summary->least = least[i] < summary->least ? least[i] : summary->least;
    summary->greatest = greatest[i] > summary->greatest ? greatest[i] : summary->greatest;
    summary->finite += finite[i];
    summary->zeros += zeros[i];
    summary->nans += nans[i];
    summary->small += small[i];
  }
  summary->nans -= (LANES - count % LANES) % LANES;
  summary->infinities = count - summary->finite - summary->nans;
}

// Places are computed for a group first, which becomes vector code; neighbours are counted in tables
// of their own, so that equal ones don't wait for each other.
CK_MULTIVERSION
void NAME(ck_histogram)(const NUMBER *restrict x, size_t count, double least, double scale,
                        uint64_t *restrict counts) {
#pragma clang fp contract(off) reassociate(off)
  // The last place takes numbers that aren't finite.
  uint32_t tables[LANES][CK_BINS + 1] = {0};
  double half = 0.5 * least;
  for (size_t start = 0; start < count; start += LANES) {
    NUMBER group[LANES];
    int32_t places[LANES];
    size_t length = count - start < LANES ? count - start : LANES;
    for (size_t i = 0; i < LANES; i++) group[i] = (NUMBER)NAN;
    if (length == LANES)
      memcpy(group, x + start, sizeof group);
    else
      memcpy(group, x + start, length * sizeof(NUMBER));
    for (size_t i = 0; i < LANES; i++) {
      double place = ((double)group[i] * 0.5 - half) * scale;
      place = place < CK_BINS - 1 ? place : CK_BINS - 1;
      place = place > 0 ? place : 0;
      places[i] = NAME(is_finite)(group[i]) ? (int32_t)place : CK_BINS;
    }
    for (size_t i = 0; i < LANES; i++) tables[i][places[i]]++;
  }
  for (size_t t = 0; t < LANES; t++)
    for (size_t i = 0; i < CK_BINS; i++) counts[i] += tables[t][i];
}

CK_MULTIVERSION
void NAME(ck_compare)(const NUMBER *restrict a, const NUMBER *restrict b, size_t count,
                      ck_difference *restrict difference) {
#pragma clang fp contract(off) reassociate(off)
  double differences[LANES] = {0}, squares[LANES] = {0}, greatest[LANES] = {0};
  COUNT unequal[LANES] = {0}, not_finite[LANES] = {0};
  for (size_t start = 0; start < count; start += LANES) {
    NUMBER lefts[LANES] = {0}, rights[LANES] = {0};
    size_t length = count - start < LANES ? count - start : LANES;
    if (length == LANES) {
      memcpy(lefts, a + start, sizeof lefts);
      memcpy(rights, b + start, sizeof rights);
    } else {
      memcpy(lefts, a + start, length * sizeof(NUMBER));
      memcpy(rights, b + start, length * sizeof(NUMBER));
    }
    for (size_t i = 0; i < LANES; i++) {
      NUMBER left = lefts[i], right = rights[i];
      int counts = NAME(is_finite)(left) & NAME(is_finite)(right);
      int equal = (left == right) | ((left != left) & (right != right));
      double distance = counts ? (double)left - (double)right : 0.0;
      double reference = counts ? (double)right : 0.0;
      double size = distance < 0 ? -distance : distance;
      differences[i] += distance * distance;
      squares[i] += reference * reference;
      greatest[i] = size > greatest[i] ? size : greatest[i];
      unequal[i] += (COUNT)!equal;
      not_finite[i] += (COUNT)(!equal & !counts);
    }
  }
  *difference = (ck_difference){0};
  for (size_t i = 0; i < LANES; i++) {
    difference->differences += differences[i];
    difference->squares += squares[i];
    difference->greatest =
        greatest[i] > difference->greatest ? greatest[i] : difference->greatest;
    difference->unequal += unequal[i];
    difference->not_finite += not_finite[i];
  }
}
