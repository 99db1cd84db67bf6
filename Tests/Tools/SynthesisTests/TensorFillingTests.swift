import Checkpoints
import Concurrency
import Elements
import Files
import JSON
import Safetensors
import Synthesis
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Files of made-up values")
struct TensorFillingTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The bytes of a component's file.
  private func file(seed: UInt64, threads: Int) throws -> [UInt8] {
    let component = ComponentSynthesis(
      configuration: [:], baseName: "model",
      tensors: [
        TensorDescription(name: "a.weight", dtype: .bf16, shape: [700, 500]),
        TensorDescription(name: "b.bias", dtype: .f32, shape: [300_001]),
      ], shardByteLimit: 1 << 30)
    let path = folder.path.appending("\(seed)-\(threads)")
    try makeFolder(path)
    _ = try Parallel.withThreads(threads) {
      try component.write(into: path, filling: TensorFilling(.scaled, seed: seed))
    }
    return try readWhole(path.appending("model.safetensors"), atMost: 1 << 24)
  }

  @Test func theirBytesDependOnTheSeedAndNotOnThreads() throws {
    let one = try file(seed: 1, threads: 1)
    #expect(one.count > 1_900_000)
    #expect(try file(seed: 1, threads: 4) == one)
    #expect(try file(seed: 2, threads: 1) != one)
  }

  @Test("a part of a tensor is that of the whole, also past the table's end")
  func parts() {
    let table = GaussianTable(seed: 5)
    let whole = table.bytes(of: 0..<5_000_000, ofTensor: 7, like: .uniform, as: .bf16)
    let part = table.bytes(of: 3_000_001..<4_999_999, ofTensor: 7, like: .uniform, as: .bf16)
    #expect(Array(whole[6_000_002..<9_999_998]) == part)
    #expect(whole[..<1000] != table.bytes(of: 0..<500, ofTensor: 8, like: .uniform, as: .bf16)[...])
  }

  @Test("a pipeline that is larger than the disk is refused before anything is written")
  func room() throws {
    let family = try #require(ModelFamily.named("flux1"))
    let component = ComponentSynthesis(
      configuration: [:], baseName: "model",
      tensors: [TensorDescription(name: "a", dtype: .bf16, shape: [1 << 30, 1 << 28])],
      shardByteLimit: .max)
    let output = folder.path.appending("x")
    let pipeline = PipelineSynthesis(
      try PublishedPipeline(of: family), parts: [("transformer", component)])
    #expect(throws: FileError.writeFailed(file: output, reason: .noSpace)) {
      try pipeline.write(to: output, filling: TensorFilling(.scaled, seed: 0), overwrite: false)
    }
    #expect(folder.entries == [])
  }
}
