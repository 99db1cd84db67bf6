import Elements
import Files
import Merging
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Undoing a merge")
struct UndoingTests {
  private let folder: TemporaryFolder
  private let model = SmallModel(.flux)

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> FilePath { folder.path.appending(name) }

  /// A base of a dtype, merged so that it can be undone.
  private func merge(
    _ base: DType, _ change: (inout BakeRequest) -> Void = { _ in }
  ) throws -> (base: FilePath, result: BakeResult) {
    let file = try model.write(
      to: path("base.safetensors"), base, metadata: [("note", "as it was"), ("sshs_x", "1")])
    let (adapters, _) = try BakeReferenceTests.adapters(.peft, model, folder)
    var request = BakeRequest(
      base: file, output: path("merged.safetensors"), adapters: adapters)
    request.isReversible = true
    change(&request)
    return (file, try Bake(request).write { _ in })
  }

  @Test(
    "gives the base byte for byte",
    arguments: [
      (.bf16, nil), (.f16, nil), (.f32, nil), (.f8E4M3, nil), (.bf16, .f32), (.f32, .bf16),
      (.bf16, .f8E4M3), (.f16, .bf16),
    ] as [(DType, DType?)])
  func restores(base: DType, output: DType?) throws {
    let (file, result) = try merge(base) { $0.form.dtype = output }
    #expect(result.undo == path("merged.undo.safetensors"))
    try UndoFile(#require(result.undo)).restore(
      result.output, to: path("again.safetensors"),
      overwrite: false
    ) { _ in }
    #expect(try contents(of: path("again.safetensors")) == contents(of: file))
    #expect(try contents(of: result.output) != contents(of: file))
  }

  @Test("is possible from every form", arguments: ["shards", "merged.gguf", "packed.safetensors"])
  func restoresFromForms(name: String) throws {
    let (file, result) = try merge(.bf16) {
      $0.output = path(name)
      $0.form.shardByteLimit = name == "shards" ? 100_000 : nil
      $0.form.gguf = name.hasSuffix("gguf") ? "q8_0" : nil
      $0.form.isCompressed = name.hasPrefix("packed")
    }
    try UndoFile(#require(result.undo)).restore(
      result.output, to: path("a.safetensors"), overwrite: false
    ) { _ in }
    #expect(try contents(of: path("a.safetensors")) == contents(of: file))
  }

  @Test func anotherFileIsRefused() throws {
    let (_, result) = try merge(.bf16)
    let undo = try #require(result.undo)
    let other = path("other.safetensors")
    try writeSafetensors(model.tensors(.bf16, seed: 8), to: other, overwrite: false)
    let error = #expect(throws: MergeError.self) {
      try UndoFile(undo).restore(
        other, to: path("never.safetensors"), overwrite: false
      ) {
        _ in
      }
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("other.safetensors"), "\(text)")
    #expect(text.contains("merged.safetensors"), "\(text)")
    #expect(!folder.entries.contains("never.safetensors"))
  }

  @Test("is refused when the undo file is damaged anywhere", arguments: [0.2, 0.5, 0.9, 1])
  func damage(at share: Double) throws {
    let (file, result) = try merge(.bf16)
    var undo = try contents(of: try #require(result.undo))
    let place = min(undo.count - 1, Int(Double(undo.count) * share))
    undo[place] ^= 0x10
    let damaged = try folder.write(undo, to: "damaged.safetensors")
    do {
      try UndoFile(damaged).restore(
        result.output, to: path("again.safetensors"), overwrite: false
      ) { _ in }
      // A byte that nothing depends on, such as padding.
      #expect(try contents(of: path("again.safetensors")) == contents(of: file))
    } catch { #expect(!folder.entries.contains("again.safetensors"), "\(error)") }
  }

  @Test func truncatedUndoIsRefused() throws {
    let (_, result) = try merge(.bf16)
    let undo = try contents(of: try #require(result.undo))
    let short = try folder.write(Array(undo.dropLast(100)), to: "short.safetensors")
    expectRefusal(
      SafetensorsError.self,
      saying: "short.safetensors: truncated: \(undo.count - 100) of \(undo.count) bytes are there"
    ) {
      try UndoFile(short).restore(
        result.output, to: path("again.safetensors"), overwrite: false
      ) { _ in }
    }
    #expect(!folder.entries.contains("again.safetensors"))
  }

  @Test func baseAsOutputIsRefused() throws {
    let base = path("base.safetensors")
    let error = #expect(throws: MergeError.self) {
      try merge(.bf16) {
        $0.output = base
        $0.form.overwrite = true
      }
    }
    #expect(error.map { "\($0)" }?.contains("the base itself") == true)
    #expect(try SafetensorsFile(opening: base).metadata.contains { $0.value == "as it was" })
  }

  @Test func pipelineOfTheBaseAsOutputIsRefused() throws {
    let folder = try TemporaryFolder()
    let adapter = Goldens.folder("flux").appending("adapter.safetensors")
    var request = BakeRequest(
      base: Fixtures.model("tiny-flux"), output: folder.path.appending("pipeline"),
      adapters: try MergedAdapter.adapters(
        in: adapter, phase: nil, strength: 1, isPartial: false
      ).adapters)
    request.isReversible = true
    _ = try Bake(request).write { _ in }
    request.base = request.output
    request.form.overwrite = true
    expectRefusal(MergeError.self, saying: "this is the base itself; write to another place") {
      try Bake(request)
    }
  }

  @Test func undoFileInTheWayIsRefusedBeforeAnythingIsWritten() throws {
    try folder.write([1], to: "merged.undo.safetensors")
    expectRefusal(FileError.self, saying: "merged.undo.safetensors: exists already") {
      try merge(.bf16)
    }
    #expect(!folder.entries.contains("merged.safetensors"))
  }

  @Test func shardedBaseIsRefusedWithAdvice() throws {
    let plain = try model.write(to: path("plain.safetensors"))
    let shards = try BakeReferenceTests.base(.sharded, plain, folder)
    let (adapters, _) = try BakeReferenceTests.adapters(.peft, model, folder)
    var request = BakeRequest(base: shards, output: path("m"), adapters: adapters)
    request.isReversible = true
    let error = #expect(throws: MergeError.self) { try Bake(request) }
    #expect(error.map { "\($0)" }?.contains("glance-convert") == true)
  }
}
