import Checkpoints
import Elements
import Merging
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// A base in one of its forms, adapters, and what the sum is in double precision.
struct MergeCase: Sendable, CustomTestStringConvertible {
  enum Form: String { case diffusers, published, prefixed, sharded, compressed, delta }
  enum Adapters: String { case peft, kohya, lightning, several, negative }
  var form = Form.diffusers
  var adapters = Adapters.peft
  var dtype = DType.bf16
  var base = DType.bf16
  var testDescription: String {
    "\(base.rawValue) \(form.rawValue) + \(adapters.rawValue) -> \(dtype.rawValue)"
  }
}

@Suite("A merge against plain sums in double precision")
struct BakeReferenceTests {
  private static let cases: [MergeCase] =
    [DType.bf16, .f16, .f8E4M3, .f8E5M2, .f32].flatMap { dtype in
      [
        MergeCase(dtype: dtype), MergeCase(adapters: .kohya, dtype: dtype),
        MergeCase(form: .published, dtype: dtype),
        MergeCase(form: .published, adapters: .kohya, dtype: dtype),
        MergeCase(adapters: .lightning, dtype: dtype),
        MergeCase(adapters: .several, dtype: dtype, base: .f32),
        MergeCase(form: .published, adapters: .negative, dtype: dtype),
      ]
    } + [
      MergeCase(form: .prefixed), MergeCase(form: .prefixed, adapters: .kohya),
      MergeCase(form: .sharded), MergeCase(form: .compressed), MergeCase(form: .delta),
      MergeCase(base: .f16), MergeCase(dtype: .f16, base: .f16),
    ]

  @Test("rounds every sum once", arguments: cases)
  func sums(of merge: MergeCase) throws {
    let folder = try TemporaryFolder()
    let model = SmallModel(merge.adapters == .lightning ? .qwen : .flux)
    let plain = try model.write(to: folder.path.appending("base.safetensors"), merge.base)
    let (adapters, exact) = try Self.adapters(merge.adapters, model, folder)
    let base = try Self.base(merge.form, plain, folder)
    var request = BakeRequest(
      base: base, output: folder.path.appending("merged.safetensors"), adapters: adapters)
    request.form.dtype = merge.dtype
    request.inputBase = merge.form == .delta ? folder.path.appending("other.safetensors") : nil
    let result = try Bake(request).write { _ in }
    #expect(result.leftOut.isEmpty)
    let output = try SafetensorsFile(opening: request.output)
    let names = { (module: String) -> (name: String, row: Int, isSwapped: Bool) in
      switch merge.form {
      case .published: model.published(module)
      case .prefixed:
        (
          "model.diffusion_model." + model.published(module).name, model.published(module).row,
          model.published(module).isSwapped
        )
      default: (module + ".weight", 0, false)
      }
    }
    try compare(output, model, SafetensorsFile(opening: plain), exact, merge.dtype, names)
  }

  private func compare(
    _ output: SafetensorsFile, _ model: SmallModel, _ base: SafetensorsFile, _ exact: ExactDeltas,
    _ dtype: DType, _ place: (String) -> (name: String, row: Int, isSwapped: Bool)
  ) throws {
    let format = FloatingFormat(dtype)
    var tally = RoundingTally()
    for module in model.modules {
      let (name, firstRow, isSwapped) = place(module.path)
      let found = try output.tensor(named: name)
      #expect(found.dtype == dtype)
      let values = found.floats()
      let weights = try base.tensor(named: module.path + ".weight").floats()
      let delta = exact.deltas[module.path]
      for row in 0..<module.out {
        let there = firstRow + (isSwapped ? (row + module.out / 2) % module.out : row)
        for column in 0..<module.columns {
          let place = row * module.columns + column
          let sum = Double(weights[place]) + (delta?[place] ?? 0)
          let value = values[there * module.columns + column]
          if dtype == .f32 {
            let size = abs(Double(weights[place])) + (exact.magnitudes[module.path]?[place] ?? 0)
            #expect(abs(Double(value) - sum) <= 0x1p-22 * size)
          }
          tally.add(value, exact: sum, format)
        }
      }
    }
    #expect(tally.isCorrect, "\(tally)")
  }

  static func adapters(
    _ kind: MergeCase.Adapters, _ model: SmallModel, _ folder: TemporaryFolder
  ) throws -> ([MergedAdapter], ExactDeltas) {
    let files = SmallAdapters(model: model)
    let (one, two) = (folder.path.appending("one.st"), folder.path.appending("two.st"))
    var used: [(file: FilePath, parts: [SmallPart], strength: Double)] = []
    switch kind {
    case .peft: used = [(one, try files.peft(to: one), 1)]
    case .kohya: used = [(one, try files.kohya(to: one), 0.8)]
    case .lightning: used = [(one, try files.lightning(to: one), 1)]
    case .several:
      used = [(one, try files.peft(to: one), 0.7), (two, try files.kohya(to: two), -0.4)]
      let idle = folder.path.appending("idle.st")
      used.append((idle, try files.peft(to: idle, seed: 99), 0))
    case .negative: used = [(one, try files.peft(to: one), -1.25)]
    }
    var exact = ExactDeltas()
    var adapters: [MergedAdapter] = []
    for (file, parts, strength) in used {
      for part in parts { exact.add(part, strength: strength) }
      adapters += try MergedAdapter.adapters(
        in: file, phase: nil, strength: strength, isPartial: false
      ).adapters
    }
    return (adapters, exact)
  }

  /// The base in another form; conversions copy.
  static func base(
    _ form: MergeCase.Form, _ plain: FilePath, _ folder: TemporaryFolder
  ) throws -> FilePath {
    var request = RewritingRequest(
      input: plain, output: folder.path.appending("\(form.rawValue).safetensors"))
    switch form {
    case .diffusers: return plain
    case .published: request.layout = "bfl"
    case .prefixed: request.layout = "comfyui"
    case .sharded:
      request.output = folder.path.appending("shards")
      request.form.shardByteLimit = 100_000
    case .compressed: request.form.isCompressed = true
    case .delta:
      let other = folder.path.appending("other.safetensors")
      let model = SmallModel(.flux)
      try writeSafetensors(model.tensors(.bf16, seed: 8), to: other, overwrite: false)
      request.form.differenceBase = other
    }
    _ = try RewritingPlan(request).write { _ in }
    return request.output
  }
}
