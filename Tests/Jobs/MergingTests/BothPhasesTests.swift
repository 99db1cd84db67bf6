import Adapters
import Checkpoints
import Elements
import Merging
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite("Merging one base for both phases")
struct BothPhasesTests {
  private let folder: TemporaryFolder
  private let model = SmallModel(.flux)
  private let plain: FilePath
  private let slow: [MergedAdapter]
  private let fast: [MergedAdapter]

  init() throws {
    folder = try TemporaryFolder()
    plain = try model.write(to: folder.path.appending("base.safetensors"))
    let files = SmallAdapters(model: model)
    _ = try files.peft(to: folder.path.appending("slow.st"))
    _ = try files.kohya(to: folder.path.appending("fast.st"))
    slow = try MergedAdapter.adapters(
      in: folder.path.appending("slow.st"), phase: "slow", strength: 1, isPartial: false
    ).adapters
    fast = try MergedAdapter.adapters(
      in: folder.path.appending("fast.st"), phase: "fast", strength: 0.5, isPartial: false
    ).adapters
  }

  private func path(_ name: String) -> FilePath { folder.path.appending(name) }

  private func both(_ base: FilePath, isWhole: Bool = false) throws -> [BakeResult] {
    let request = BakeRequest(base: base, output: path("both"), adapters: [])
    return try BothPhases(
      request, phases: [("slow", slow), ("fast", fast)], isWhole: isWhole
    ).write { _ in { _ in } }
  }

  private func single(
    _ base: FilePath, _ adapters: [MergedAdapter], to name: String
  ) throws -> FilePath {
    let request = BakeRequest(base: base, output: path(name), adapters: adapters)
    return try Bake(request).write { _ in }.output
  }

  private func expectSameTensors(_ left: FilePath, _ right: FilePath) throws {
    let (a, b) = (
      try OpenedCheckpoint(opening: left).source, try OpenedCheckpoint(opening: right).source
    )
    #expect(a.tensors.count == b.tensors.count && !a.tensors.isEmpty)
    for tensor in a.tensors {
      let other = try b.tensor(named: tensor.name)
      #expect(tensor.dtype == other.dtype && tensor.shape == other.shape)
      #expect(bytes(of: tensor) == bytes(of: other), "\(tensor.name)")
    }
  }

  @Test func fileGivesOneWholeAndOneDifference() throws {
    let results = try both(plain)
    #expect(
      results.map(\.output.lastComponent?.string) == ["slow.safetensors", "fast.safetensors"])
    #expect(try TensorSource(opening: results[0].output).container == .safetensors)
    // Read in place, and made whole, it is what the merge for that phase writes.
    let alone = try single(plain, fast, to: "fast-alone.safetensors")
    try expectSameTensors(results[0].output, single(plain, slow, to: "slow-alone.safetensors"))
    try expectSameTensors(results[1].output, alone)
    let whole = path("whole.safetensors")
    _ = try RewritingPlan(RewritingRequest(input: results[1].output, output: whole))
      .write { _ in }
    try expectSameTensors(whole, alone)
    #expect(
      try contents(of: results[1].output).count < contents(of: alone).count,
      "a difference is smaller")
    // Its header says what was known before the first byte was written.
    let known = try SafetensorsFile(opening: whole).metadata
    let complete = try SafetensorsFile(opening: alone).metadata
    for member in complete where member.key != "glance.merged_survival" {
      if member.key == "glance.merged_base" { continue }
      #expect(known.contains { $0.key == member.key && $0.value == member.value }, "\(member)")
    }
  }

  @Test func wholeFilesOnRequest() throws {
    let results = try both(plain, isWhole: true)
    for (result, adapters) in zip(results, [slow, fast]) {
      #expect(try TensorSource(opening: result.output).container == .safetensors)
      let name = "\(adapters[0].phase ?? "")-alone.safetensors"
      let alone = try single(plain, adapters, to: name)
      #expect(try contents(of: result.output) == contents(of: alone))
    }
  }

  @Test func failingSecondPhaseTakesTheFirstAlong() throws {
    var request = BakeRequest(base: plain, output: path("both"), adapters: [])
    request.form.dtype = .f8E4M3
    request.minimumSurvival = 0.6
    let weak = [
      MergedAdapter(
        file: fast[0].file, adapter: fast[0].adapter, phase: "fast", strength: 0.001)
    ]
    let both = try BothPhases(
      request, phases: [("slow", slow), ("fast", weak)], isWhole: false)
    let error = #expect(throws: MergeError.self) { try both.write { _ in { _ in } } }
    #expect(error.map { "\($0)" }?.contains("--min-survival") == true)
    #expect(!folder.entries.contains("both"))
  }

  @Test func foldersShareAShard() throws {
    let shards = try BakeReferenceTests.base(.sharded, plain, folder)
    let results = try both(shards)
    let first = try inodes(in: results[0].output)
    let second = try inodes(in: results[1].output)
    let shared = "diffusion_pytorch_model-00001-of-00002.safetensors"
    #expect(first[shared] != nil && first[shared] == second[shared])
    #expect(Set(first.values).intersection(second.values).count == 1)
    for (result, adapters) in zip(results, [slow, fast]) {
      let alone = try single(
        shards, adapters, to: "\(adapters[0].phase ?? "")-alone.safetensors")
      try expectSameTensors(result.output, alone)
      let source = try OpenedCheckpoint(opening: result.output).source
      #expect(source.problems.isEmpty, "\(source.problems)")
      let own = try OpenedCheckpoint(opening: alone).source
      for key in ["glance.merged", "glance.merged_base", "glance.merged_survival"] {
        let value = own.metadata[key]
        #expect(value != nil && source.metadata[key] == value)
      }
    }
  }

  @Test func compressedFoldersAreCompressed() throws {
    let shards = try BakeReferenceTests.base(.sharded, plain, folder)
    var request = BakeRequest(base: shards, output: path("both"), adapters: [])
    request.form.isCompressed = true
    let results = try BothPhases(
      request, phases: [("slow", slow), ("fast", fast)], isWhole: false
    ).write { _ in { _ in } }
    for (result, adapters) in zip(results, [slow, fast]) {
      let source = try OpenedCheckpoint(opening: result.output).source
      #expect(source.container == .compressed)
      try expectSameTensors(
        result.output, single(shards, adapters, to: adapters[0].phase ?? ""))
    }
  }

  @Test("shares tensors that are only stored in another type")
  func conversionsAreShared() throws {
    let shards = try BakeReferenceTests.base(.sharded, plain, folder)
    var request = BakeRequest(base: shards, output: path("both"), adapters: [])
    request.form.dtype = .f16
    let results = try BothPhases(
      request, phases: [("slow", slow), ("fast", fast)], isWhole: false
    ).write { _ in { _ in } }
    let shared = try SafetensorsFile(
      opening: results[1].output.appending("diffusion_pytorch_model-00001-of-00002.safetensors"))
    #expect(shared.tensors.contains { $0.name == "x_embedder.weight" && $0.dtype == .f16 })
    #expect(!shared.tensors.contains { $0.name.hasSuffix("to_q.weight") })
    try expectSameTensors(
      results[1].output,
      {
        var alone = request
        alone.output = path("alone.safetensors")
        alone.adapters = fast
        return try Bake(alone).write { _ in }.output
      }())
  }

  @Test func pipelinesLinkTheirComponents() throws {
    let base = Fixtures.model("tiny-flux")
    let adapter = Goldens.folder("flux").appending("adapter.safetensors")
    let request = BakeRequest(base: base, output: path("pipelines"), adapters: [])
    let phases = try ["slow", "fast"].enumerated().map {
      number, phase -> (name: String, adapters: [MergedAdapter]) in
      (
        phase,
        try MergedAdapter.adapters(
          in: adapter, phase: phase, strength: 1 - Double(number) / 2, isPartial: false
        ).adapters
      )
    }
    let results = try BothPhases(request, phases: phases, isWhole: false).write { _ in { _ in } }
    for part in ["vae", "text_encoder"] {
      let (slow, fast) = (
        try inodes(in: results[0].output.appending(part)),
        try inodes(in: results[1].output.appending(part))
      )
      #expect(slow == fast && !slow.isEmpty)
    }
    let shared = "diffusion_pytorch_model-00001-of-00002.safetensors"
    #expect(
      try inodes(in: results[0].output.appending("transformer"))[shared]
        == inodes(in: results[1].output.appending("transformer"))[shared])
    for (result, phase) in zip(results, phases) {
      try expectSameTensors(result.output, single(base, phase.adapters, to: "alone-\(phase.name)"))
    }
  }

  /// The files of a folder by name, by what tells them from every other file.
  private func inodes(in folder: FilePath) throws -> [String: UInt64] {
    var found: [String: UInt64] = [:]
    guard let stream = unsafe opendir(folder.string) else {
      throw Errno(rawValue: errno)
    }
    defer { unsafe closedir(stream) }
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
        unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name.hasSuffix("safetensors") {
        found[name] = unsafe UInt64(entry.pointee.d_ino)
      }
    }
    return found
  }
}
