import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite("Stopping glance-merge", .serialized)
struct MergeInterruptionTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-merge")

  init() throws { folder = try TemporaryFolder() }

  /// A base of 120 MB, so that there is time to stop, and an adapter of one of its modules.
  private func inputs() throws -> (base: FilePath, adapter: FilePath) {
    let h = 512
    let block = "transformer_blocks.0."
    let single = "single_transformer_blocks.0."
    let attention = [
      "to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj", "to_out.0", "to_add_out",
    ]
    var linear: [(String, Int, Int)] = [
      ("x_embedder", h, 64), ("context_embedder", h, 48), ("proj_out", 64, h),
      ("norm_out.linear", 2 * h, h), (single + "norm.linear", 3 * h, h),
      (single + "proj_mlp", 4 * h, h), (single + "proj_out", h, 5 * h),
    ]
    for (name, columns) in [("timestep", 256), ("guidance", 256), ("text", 40)] {
      linear.append(("time_text_embed.\(name)_embedder.linear_1", h, columns))
      linear.append(("time_text_embed.\(name)_embedder.linear_2", h, h))
    }
    linear += attention.map { (block + "attn." + $0, h, h) }
    linear += ["to_q", "to_k", "to_v"].map { (single + "attn." + $0, h, h) }
    for (modulation, mlp) in [("norm1", "ff"), ("norm1_context", "ff_context")] {
      linear.append((block + modulation + ".linear", 6 * h, h))
      linear.append((block + mlp + ".net.0.proj", 4 * h, h))
      linear.append((block + mlp + ".net.2", h, 4 * h))
    }
    var tensors = linear.flatMap { name, out, columns in
      [
        TensorView(
          name: name + ".weight", shape: [out, columns],
          Array(repeating: 0.01, count: out * columns)),
        TensorView(name: name + ".bias", shape: [out], Array(repeating: 0, count: out)),
      ]
    }
    let norms =
      ["norm_q", "norm_k", "norm_added_q", "norm_added_k"].map { block + "attn." + $0 }
      + ["norm_q", "norm_k"].map { single + "attn." + $0 }
    tensors += norms.map {
      TensorView(name: $0 + ".weight", shape: [128], Array(repeating: 1, count: 128))
    }
    let base = folder.path.appending("base.safetensors")
    try writeSafetensors(tensors, to: base, overwrite: false)
    let adapter = folder.path.appending("adapter.safetensors")
    try writeSafetensors(
      linear.filter { $0.0.contains("blocks.0.") }.flatMap { name, out, columns in
        [
          TensorView(
            name: "transformer.\(name).lora_A.weight", shape: [64, columns],
            Array(repeating: 0.01, count: 64 * columns)),
          TensorView(
            name: "transformer.\(name).lora_B.weight", shape: [out, 64],
            Array(repeating: 0.01, count: 64 * out)),
        ]
      }, to: adapter, overwrite: false)
    return (base, adapter)
  }

  @Test("leaves nothing and says which signal", arguments: [SIGINT, SIGTERM, SIGHUP])
  func signals(signal: Int32) throws {
    let (base, adapter) = try inputs()
    let own = folder.entries
    var stopped = 0
    for attempt in 0..<10 where stopped == 0 {
      let running = try command.start([
        base.string, adapter.string, "--threads", "1", "--output",
        folder.path.appending("merged-\(attempt).safetensors").string,
      ])
      // Until its temporary is there, so that there is something to remove.
      _ = running.waits { folder.entries != own }
      running.send(signal)
      let outcome = try running.outcome()
      if outcome.status == 0 { continue }
      #expect(outcome.status == 128 + signal, "\(outcome.errors)")
      #expect(folder.entries == own)
      stopped += 1
    }
    #expect(stopped == 1, "a run must be stopped before it ends")
  }
}
