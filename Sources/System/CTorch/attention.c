#include <string.h>

#include "dispatcher.h"

/// What the gradient of flash attention needs of the pass before.
typedef struct {
  ct_tensor out, sums;
  // CUDA's alone.
  ct_tensor query_starts, key_starts, seed, offset;
  int64_t most_queries, most_keys;
} pass;

static void end(const ct_torch *torch, pass done) {
  ct_free(torch, done.out);
  ct_free(torch, done.sums);
  ct_free(torch, done.query_starts);
  ct_free(torch, done.key_starts);
  ct_free(torch, done.seed);
  ct_free(torch, done.offset);
}

static bool forward_on_cpu(
    const ct_torch *torch, ct_tensor q, ct_tensor k, ct_tensor v, double scale, bool is_causal,
    pass *done) {
  // query, key, value, dropout_p, is_causal, attn_mask, scale
  stack arguments = {{tensor(torch, q), tensor(torch, k), tensor(torch, v), real(0), is_causal, 0,
                      present(torch, real(scale))}};
  if (!call(torch, "aten::_scaled_dot_product_flash_attention_for_cpu", "", &arguments)) return false;
  done->out = (ct_tensor)arguments.words[0];
  done->sums = (ct_tensor)arguments.words[1];
  return true;
}

static bool forward_on_cuda(
    const ct_torch *torch, ct_tensor q, ct_tensor k, ct_tensor v, double scale, bool is_causal,
    pass *done) {
  // query, key, value, dropout_p, is_causal, return_debug_mask, scale
  stack arguments = {{tensor(torch, q), tensor(torch, k), tensor(torch, v), real(0), is_causal,
                      false, present(torch, real(scale))}};
  if (!call(torch, "aten::_scaled_dot_product_flash_attention", "", &arguments)) return false;
  const word *results = arguments.words;
  done->out = (ct_tensor)results[0];
  done->sums = (ct_tensor)results[1];
  done->query_starts = (ct_tensor)results[2];
  done->key_starts = (ct_tensor)results[3];
  done->most_queries = (int64_t)results[4];
  done->most_keys = (int64_t)results[5];
  done->seed = (ct_tensor)results[6];
  done->offset = (ct_tensor)results[7];
  ct_free(torch, (ct_tensor)results[8]);
  return true;
}

static bool forward(
    const ct_torch *torch, bool on_cpu, ct_tensor q, ct_tensor k, ct_tensor v, double scale,
    bool is_causal, pass *done) {
  return (on_cpu ? forward_on_cpu : forward_on_cuda)(torch, q, k, v, scale, is_causal, done);
}

static bool backward(
    const ct_torch *torch, bool on_cpu, ct_tensor dy, ct_tensor q, ct_tensor k, ct_tensor v,
    double scale, bool is_causal, pass done, stack *arguments) {
  word *next = arguments->words;
  for (int i = 0; i < 6; i++) {
    *next++ = tensor(torch, (ct_tensor[]){dy, q, k, v, done.out, done.sums}[i]);
  }
  if (on_cpu) {
    // grad_out, query, key, value, out, logsumexp, dropout_p, is_causal, attn_mask, scale
    *next++ = real(0);
    *next++ = is_causal;
    *next++ = 0;
    *next++ = present(torch, real(scale));
    return call(
        torch, "aten::_scaled_dot_product_flash_attention_for_cpu_backward", "", arguments);
  }
  // grad_out, query, key, value, out, logsumexp, cum_seq_q, cum_seq_k, max_q, max_k, dropout_p,
  // is_causal, philox_seed, philox_offset, scale
  *next++ = tensor(torch, done.query_starts);
  *next++ = tensor(torch, done.key_starts);
  *next++ = (word)done.most_queries;
  *next++ = (word)done.most_keys;
  *next++ = real(0);
  *next++ = is_causal;
  *next++ = tensor(torch, done.seed);
  *next++ = tensor(torch, done.offset);
  *next++ = present(torch, real(scale));
  return call(torch, "aten::_scaled_dot_product_flash_attention_backward", "", arguments);
}

ct_tensor ct_attention(
    const ct_torch *torch, bool on_cpu, ct_tensor q, ct_tensor k, ct_tensor v, double scale,
    bool is_causal) {
  pass done = {0};
  if (!forward(torch, on_cpu, q, k, v, scale, is_causal, &done)) return 0;
  ct_tensor out = done.out;
  done.out = 0;
  end(torch, done);
  return out;
}

bool ct_attention_backward(
    const ct_torch *torch, bool on_cpu, ct_tensor dy, ct_tensor q, ct_tensor k, ct_tensor v,
    double scale, bool is_causal, ct_tensor *dq, ct_tensor *dk, ct_tensor *dv) {
  pass done = {0};
  stack arguments = {0};
  bool is_done = forward(torch, on_cpu, q, k, v, scale, is_causal, &done) &&
                 backward(torch, on_cpu, dy, q, k, v, scale, is_causal, done, &arguments);
  end(torch, done);
  if (!is_done) return false;
  *dq = (ct_tensor)arguments.words[0];
  *dk = (ct_tensor)arguments.words[1];
  *dv = (ct_tensor)arguments.words[2];
  return true;
}

int ct_probe_cuda_attention(const ct_torch *torch, ct_tensor q, ct_tensor lse) {
  pass done = {0};
  stack arguments = {0};
  const char *refusal = "with arguments from the 'CPU' backend";
  int count = 0;
  if (!forward(torch, false, q, q, q, 1, false, &done)) count += strstr(ct_error(), refusal) != 0;
  done = (pass){q, lse, lse, lse, lse, lse, 1, 1};
  if (!backward(torch, false, q, q, q, q, 1, false, done, &arguments)) {
    count += strstr(ct_error(), refusal) != 0;
  }
  return count;
}
