import Checkpoints
import Elements
import Files
import GGUF
import JSON
import Merging
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("What a merged file says of its making")
struct ProvenanceTests {
  private let folder: TemporaryFolder
  private let model = SmallModel(.flux)
  private let plain: FilePath
  private let adapters: [MergedAdapter]

  init() throws {
    folder = try TemporaryFolder()
    plain = try model.write(
      to: folder.path.appending("base.safetensors"),
      metadata: [
        ("format", "pt"), ("modelspec.title", "kept"), ("sshs_model_hash", "ab"),
        ("modelspec.hash_sha256", "cd"), ("modelspec.merged_from", "older"),
      ])
    let files = SmallAdapters(model: model)
    let (one, two) = (folder.path.appending("one.st"), folder.path.appending("two.st"))
    _ = try files.peft(to: one)
    _ = try files.kohya(to: two)
    adapters =
      try MergedAdapter.adapters(in: one, phase: "slow", strength: 0.75, isPartial: false).adapters
      + MergedAdapter.adapters(in: two, phase: nil, strength: -2, isPartial: false).adapters
  }

  private func request(_ name: String) -> BakeRequest {
    BakeRequest(base: plain, output: folder.path.appending(name), adapters: adapters)
  }

  private func value(_ key: String, _ list: Metadata) -> String? {
    list.first { $0.key == key }?.value
  }

  @Test func everythingIsThereAndTrue() throws {
    var request = request("merged.safetensors")
    request.form.rounding = .stochastic(seed: 9)
    let result = try Bake(request).write { _ in }
    let metadata = try SafetensorsFile(opening: result.output).metadata
    #expect(value("modelspec.title", metadata) == "kept")
    #expect(value("sshs_model_hash", metadata) == nil)
    #expect(value("modelspec.hash_sha256", metadata) == nil)
    #expect(value("modelspec.merged_from", metadata) == "base.safetensors, one.st, two.st")
    #expect(metadata.count { $0.key == "modelspec.merged_from" } == 1)
    #expect(value("glance.merged_rounding", metadata) == "stochastic:9")
    #expect(value("glance.merged_by", metadata)?.hasPrefix("glance-merge ") == true)
    let merged = try JSONValue(parsing: value("glance.merged", metadata) ?? "").array ?? []
    #expect(merged.map { $0["file"]?.string } == ["one.st", "two.st"])
    #expect(merged.map { $0["strength"]?.double } == [0.75, -2])
    #expect(merged.map { $0["phase"]?.string } == ["slow", nil])
    for (entry, name) in zip(merged, ["one.st", "two.st"]) {
      let digest = try SHA256.hexadecimal(of: folder.path.appending(name))
      #expect(entry["sha256"]?.string == digest)
    }
    let survival = try JSONValue(parsing: value("glance.merged_survival", metadata) ?? "")
    #expect(survival["cosine"]?.double == result.total.cosine)
    #expect(survival["norm"]?.double == result.total.norm)
    #expect(survival["gain"]?.double == result.total.gain)
    #expect(survival["unchanged"]?.double == result.total.unchangedShare)
    let base = try JSONValue(parsing: value("glance.merged_base", metadata) ?? "")
    #expect(base["file"]?.string == "base.safetensors")
    #expect(base["tensors"]?.double == Double(model.shapes.count))
    let digest = try Self.digest(of: SafetensorsFile(opening: plain))
    #expect(base["xxh3"]?.string == digest)
  }

  /// As formats/glance-metadata.md describes it.
  private static func digest(of file: SafetensorsFile) throws -> String {
    var sums: [UInt8] = []
    for tensor in file.tensors.sorted(by: {
      $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
    }) {
      let all = bytes(of: tensor)
      let portion = (1 << 20) * tensor.dtype.bitCount / 8
      for start in stride(from: 0, to: all.count, by: portion) {
        let sum = unsafe checksum(
          all.span.bytes.extracting(start..<min(all.count, start + portion)))
        sums += (0..<8).map { UInt8(truncatingIfNeeded: sum >> (8 * $0)) }
      }
    }
    let digest = String(unsafe checksum(sums.span.bytes), radix: 16)
    return String(repeating: "0", count: 16 - digest.count) + digest
  }

  // Computed with Python's xxhash from the shipped model, as the description says.
  @Test func digestIsWhatOtherProgramsCompute() throws {
    let file = Fixtures.model("tiny-flux").appending("transformer")
      .appending("diffusion_pytorch_model.safetensors")
    #expect(try Self.digest(of: SafetensorsFile(opening: file)) == "66fea43dce6bd811")
  }

  @Test func digestIsOfTheBaseNotOfTheOutput() throws {
    var digests: Set<String> = []
    for dtype in [nil, DType.f32, .f8E4M3] {
      var request = request("\(dtype?.rawValue ?? "kept").safetensors")
      request.form.dtype = dtype
      let output = try Bake(request).write { _ in }.output
      let metadata = try SafetensorsFile(opening: output).metadata
      let base = try JSONValue(parsing: value("glance.merged_base", metadata) ?? "")
      digests.insert(base["xxh3"]?.string ?? "")
    }
    #expect(digests.count == 1 && digests.first != "")
  }

  @Test func packedOutputsSayWhatWasKnownBefore() throws {
    var compressed = request("packed.safetensors")
    compressed.form.isCompressed = true
    let packed = try OpenedCheckpoint(opening: try Bake(compressed).write { _ in }.output).source
    var quantised = request("merged.gguf")
    quantised.form.gguf = "q8_0"
    let gguf = try openGGUF(try Bake(quantised).write { _ in }.output)
    #expect(value("glance.merged", packed.metadata)?.contains("one.st") == true)
    #expect(value("glance.merged_rounding", packed.metadata) == "nearest")
    let texts = try JSONValue(parsing: value("glance.metadata", gguf.metadata) ?? "")
    #expect(texts["glance.merged"]?.string?.contains("two.st") == true)
    #expect(texts["modelspec.merged_from"]?.string == "base.safetensors, one.st, two.st")
  }

  @Test("has room for the longest numbers")
  func reserve() throws {
    // A merge whose survival has as many digits as there are, into a header that was full.
    for count in 0..<9 {
      let base = folder.path.appending("pad-\(count).safetensors")
      try model.write(
        to: base, metadata: [("pad", String(repeating: "x", count: count)), ("ü\u{1}", "\u{2}")])
      var own = request("padded-\(count).safetensors")
      own.base = base
      let output = try Bake(own).write { _ in }.output
      let metadata = try SafetensorsFile(opening: output).metadata
      #expect(value("glance.merged_survival", metadata) != nil)
    }
  }

  @Test func mergesOfMergesNameTheLastOnly() throws {
    let first = try Bake(request("first.safetensors")).write { _ in }.output
    var again = request("second.safetensors")
    again.base = first
    let metadata = try SafetensorsFile(opening: Bake(again).write { _ in }.output).metadata
    #expect(value("modelspec.merged_from", metadata) == "first.safetensors, one.st, two.st")
    #expect(metadata.count { $0.key == "glance.merged" } == 1)
  }
}
