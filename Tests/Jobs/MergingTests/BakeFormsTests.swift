import Adapters
import Checkpoints
import Concurrency
import Elements
import GGUF
import Merging
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("A merge into quantised and packed forms")
struct BakeFormsTests {
  private let folder: TemporaryFolder
  private let model = SmallModel(.flux)
  private let plain: FilePath
  private let adapters: [MergedAdapter]
  private let exact: ExactDeltas

  init() throws {
    folder = try TemporaryFolder()
    plain = try model.write(to: folder.path.appending("base.safetensors"))
    (adapters, exact) = try BakeReferenceTests.adapters(.peft, model, folder)
  }

  private func converted(
    _ name: String, _ change: (inout RewritingRequest) -> Void
  ) throws -> FilePath {
    var request = RewritingRequest(input: plain, output: folder.path.appending(name))
    change(&request)
    _ = try RewritingPlan(request).write { _ in }
    return request.output
  }

  private func merge(
    _ base: FilePath, _ name: String, _ change: (inout BakeRequest) -> Void = { _ in }
  ) throws -> BakeResult {
    var request = BakeRequest(
      base: base, output: folder.path.appending(name), adapters: adapters)
    change(&request)
    return try Bake(request).write { _ in }
  }

  /// The exact sums of a module, over what a base's weight stands for.
  private func sums(_ module: String, over weights: [Float]) -> [Double] {
    let delta = exact.deltas[module]
    return weights.indices.map { Double(weights[$0]) + (delta?[$0] ?? 0) }
  }

  @Test(
    "gives eight-bit codes new scales where something was added",
    arguments: ScaledForm.allCases)
  func scaledBase(form: ScaledForm) throws {
    let base = try converted("scaled.safetensors") { $0.form.scaled = form }
    _ = try merge(base, "merged.safetensors")
    let (before, after) = (
      try SafetensorsFile(opening: base),
      try SafetensorsFile(opening: folder.path.appending("merged.safetensors"))
    )
    #expect(
      Set(before.tensors.map { "\($0.name) \($0.dtype.rawValue)" })
        == Set(after.tensors.map { "\($0.name) \($0.dtype.rawValue)" }))
    try compareScaled(after, suffix: form == .generation1 ? ".scale_weight" : ".weight_scale") {
      let scale = try before.tensor(named: $0 + $1).floats()[0]
      return try before.tensor(named: $0 + ".weight").floats().map { $0 * scale }
    }
    // What no adapter touches keeps its bytes.
    for tensor in before.tensors where tensor.name.hasSuffix("bias") {
      #expect(bytes(of: tensor) == bytes(of: try after.tensor(named: tensor.name)))
    }
  }

  @Test func plainBaseGetsScaledCodes() throws {
    _ = try merge(plain, "merged.safetensors") {
      $0.form.dtype = .f8E4M3
      $0.form.scaled = .generation2
    }
    let base = try SafetensorsFile(opening: plain)
    let output = try SafetensorsFile(opening: folder.path.appending("merged.safetensors"))
    try compareScaled(output, suffix: ".weight_scale") { module, _ in
      try base.tensor(named: module + ".weight").floats()
    }
  }

  /// Codes are the rounded quotients by the new scale, which is max |w| / 448.
  private func compareScaled(
    _ output: SafetensorsFile, suffix: String,
    base: (_ module: String, _ suffix: String) throws -> [Float]
  ) throws {
    let format = FloatingFormat(.f8E4M3)
    var tally = RoundingTally()
    for module in model.modules where module.path.contains("transformer_blocks") {
      let found = try output.tensor(named: module.path + ".weight")
      #expect(found.dtype == .f8E4M3)
      let scale = Double(try output.tensor(named: module.path + suffix).floats()[0])
      let wanted = sums(module.path, over: try base(module.path, suffix))
      let largest = wanted.map(abs).max() ?? 0
      #expect(abs(scale - largest / 448) <= 1e-6 * scale)
      for (code, sum) in zip(found.floats(), wanted) {
        tally.add(code, exact: sum / scale, format)
      }
    }
    #expect(tally.isCorrect, "\(tally)")
  }

  @Test(
    "writes codes of the sums, as a conversion of what was baked does",
    arguments: ["int8", "nvfp4", "mxfp8", "nvfp4,img_mlp=int8,txt_mlp=fp8"])
  func encodings(encoding: String) throws {
    let result = try merge(plain, "merged.safetensors") { $0.form.encoding = encoding }
    #expect(result.total.cosine ?? 0 > 0.5)
    _ = try merge(plain, "wide.safetensors") { $0.form.dtype = .f32 }
    var request = RewritingRequest(
      input: folder.path.appending("wide.safetensors"),
      output: folder.path.appending("coded.safetensors"))
    request.form.encoding = encoding
    _ = try RewritingPlan(request).write { _ in }
    let (merged, coded) = (
      try SafetensorsFile(opening: folder.path.appending("merged.safetensors")),
      try SafetensorsFile(opening: request.output)
    )
    #expect(merged.tensors.map(\.name).sorted() == coded.tensors.map(\.name).sorted())
    for tensor in merged.tensors {
      let other = try coded.tensor(named: tensor.name)
      #expect(other.dtype == tensor.dtype && other.shape == tensor.shape)
      #expect(bytes(of: other) == bytes(of: tensor), "\(tensor.name)")
    }
  }

  @Test("writes q8_0 blocks of the sums", arguments: [false, true])
  func blocks(baseIsGGUF: Bool) throws {
    let base =
      baseIsGGUF
      ? try converted("base.gguf") { $0.form.gguf = "q8_0" } : plain
    _ = try merge(base, "merged.gguf") { $0.form.gguf = baseIsGGUF ? "auto" : "q8_0" }
    let before = try baseIsGGUF ? openGGUF(base) : OpenedCheckpoint(opening: plain).source
    let after = try GGUFFile(opening: folder.path.appending("merged.gguf"))
    let views = try after.views
    if baseIsGGUF {
      let own = try GGUFFile(opening: base)
      #expect(own.tensors.map(\.type) == after.tensors.map(\.type))
      for (tensor, merged) in zip(try own.views, views) where !tensor.name.hasSuffix("weight") {
        #expect(tensor.floats() == merged.floats(), "\(tensor.name)")
      }
    }
    var blockCount = 0
    for module in model.modules where exact.deltas[module.path] != nil {
      let (name, row, isSwapped) = model.published(module.path)
      guard !isSwapped, let position = after.tensors.firstIndex(where: { $0.name == name }),
        after.tensors[position].type.name.lowercased() == "q8_0"
      else { continue }
      let range = row * module.columns..<(row + module.out) * module.columns
      let source =
        baseIsGGUF
        ? Array(try before.tensor(named: name).floats()[range])
        : try before.tensor(named: module.path + ".weight").floats()
      let found = Array(views[position].floats()[range])
      let wanted = sums(module.path, over: source)
      for start in stride(from: 0, to: wanted.count, by: 32) {
        // Source: ggml-org/ggml, `ggml-quants.c`, `quantize_row_q8_0_ref`: d = max |x| / 127 in
        // float16; the rounding of d moves a value by up to 127 times half a unit of it.
        let largest = wanted[start..<start + 32].map(abs).max() ?? 0
        let step = largest / 127
        for place in start..<start + 32 {
          #expect(abs(Double(found[place]) - wanted[place]) <= step * (0.5 + 127 * 0x1p-11 + 1e-3))
        }
        blockCount += 1
      }
    }
    #expect(blockCount > 500)
  }

  @Test("keeps blocks that nothing is added to", arguments: ["q4_k_m", "q8_0", "q5_1"])
  func untouchedBlocks(preset: String) throws {
    let base = try converted("base.gguf") { $0.form.gguf = preset }
    let one = try #require(adapters.first)
    let idle = MergedAdapter(file: one.file, adapter: one.adapter, phase: nil, strength: 0)
    var request = BakeRequest(
      base: base, output: folder.path.appending("idle.gguf"), adapters: [idle])
    request.form.gguf = "auto"
    _ = try Bake(request).write { _ in }
    let (before, after) = (
      try GGUFFile(opening: base), try GGUFFile(opening: request.output)
    )
    let (own, merged) = (try contents(of: base), try contents(of: request.output))
    #expect(before.tensors.contains { $0.type.dtype == nil })
    for (tensor, other) in zip(before.tensors, after.tensors) {
      #expect(tensor.name == other.name && tensor.type == other.type)
      #expect(own[tensor.byteRange] == merged[other.byteRange], "\(tensor.name)")
    }
  }

  @Test("writes the same tensors in one file, shards, compressed, from 1, 2 and 3 threads")
  func sameEverywhere() throws {
    let all = try atWidths([1, 2, 3]) {
      let threads = Parallel.threadCount
      return try [
        "file-\(threads).safetensors", "shards-\(threads)", "packed-\(threads).safetensors",
      ].map { name in
        _ = try merge(plain, name) {
          $0.form.rounding = .stochastic(seed: 4)
          $0.form.isCompressed = name.hasPrefix("packed")
          if name.hasPrefix("shards") { $0.form.shardByteLimit = 100_000 }
        }
        let source = try OpenedCheckpoint(opening: folder.path.appending(name)).source
        return source.tensors.sorted { $0.name < $1.name }.map { bytes(of: $0) }
      }
    }.flatMap(\.self)
    #expect(all.count == 9 && all.allSatisfy { $0 == all[0] })
    for kind in ["file", "packed"] {
      let files = try (1...3).map {
        try contents(of: folder.path.appending("\(kind)-\($0).safetensors"))
      }
      #expect(files[0] == files[1] && files[0] == files[2])
    }
  }

  @Test func pipelineGivesPipeline() throws {
    let base = Fixtures.model("tiny-flux")
    let adapter = Goldens.folder("flux").appending("adapter.safetensors")
    var request = BakeRequest(
      base: base, output: folder.path.appending("pipeline"),
      adapters: try MergedAdapter.adapters(
        in: adapter, phase: nil, strength: 1, isPartial: false
      ).adapters)
    request.linksComponents = false
    let result = try Bake(request).write { _ in }
    #expect(result.modules.count == request.adapters[0].adapter.modules.count)
    #expect(
      try contents(of: request.output.appending("model_index.json"))
        == contents(of: base.appending("model_index.json")))
    #expect(try OpenedCheckpoint(opening: request.output).description.family?.name == "flux1")
  }
}
