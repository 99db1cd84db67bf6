import Adapters
import Checkpoints
import Elements
import SystemPackage
import Tensors
import TestSupport

/// Adapter files made of tensors in memory.
enum InMemory {
  /// A file with these keys.
  static func file(
    _ tensors: [TensorView], metadata: Metadata = [],
    configuration: AdapterConfiguration = .none, assumedAlpha: Double? = nil,
    family: String? = nil
  ) -> AdapterFile {
    AdapterFile(
      path: "memory.safetensors", tensors: tensors, metadata: metadata,
      configuration: configuration, assumedAlpha: assumedAlpha,
      family: family.flatMap(ModelFamily.named))
  }

  /// The two factors of a module under names with these endings; modulations have six or three
  /// times as many rows unless they are given.
  static func pair(
    _ stem: String, down: String = ".lora_A.weight", up: String = ".lora_B.weight",
    rank: Int = 2, inFeatures: Int = 6, outFeatures: Int? = nil
  ) -> [TensorView] {
    let factor = stem.hasSuffix("_mod.1") ? 6 : stem.hasSuffix("modulation.lin") ? 3 : 1
    return [
      tensor(stem + down, [rank, inFeatures]),
      tensor(stem + up, [outFeatures ?? factor * inFeatures, rank]),
    ]
  }

  /// The factors of a module whose change has this shape.
  static func module(
    _ stem: String, _ rows: Int, _ columns: Int, kohya: Bool = false
  ) -> [TensorView] {
    pair(
      stem, down: kohya ? ".lora_down.weight" : ".lora_A.weight",
      up: kohya ? ".lora_up.weight" : ".lora_B.weight", rank: 1, inFeatures: columns,
      outFeatures: rows)
  }

  /// A tensor of small numbers that depend on its name.
  static func tensor(_ name: String, _ shape: [Int]) -> TensorView {
    var state = UInt32(truncatingIfNeeded: name.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) })
    let values = (0..<shape.reduce(1, *)).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(state >> 8) / Float(1 << 24) - 0.5
    }
    return TensorView(name: name, shape: shape, values)
  }

  /// The same numbers cut to bfloat16.
  static func bf16(_ tensor: TensorView) -> TensorView {
    let bytes = tensor.floats().flatMap { value in
      [UInt8(truncatingIfNeeded: value.bitPattern >> 16), UInt8(value.bitPattern >> 24)]
    }
    return unsafe TensorView(
      name: tensor.name, dtype: .bf16, shape: tensor.shape, copying: bytes.span.bytes)
  }

  /// A scalar.
  static func alpha(_ name: String, _ value: Float) -> TensorView {
    TensorView(name: name, shape: [], [value])
  }
}

/// scale · up · down of every module, summed in double precision, by canonical path.
func deltas(of adapter: Adapter) -> [String: [Float]] {
  var deltas: [String: [Float]] = [:]
  for module in adapter.modules {
    let (down, up) = (module.down.floats(), module.up.floats())
    let (rank, columns) = (module.rank, module.inFeatures)
    var delta: [Float] = []
    for row in 0..<module.outFeatures {
      for column in 0..<columns {
        var sum = 0.0
        for r in 0..<rank {
          sum += Double(up[row * rank + r]) * Double(down[r * columns + column])
        }
        delta.append(Float(module.scale * sum))
      }
    }
    deltas[module.path] = delta
  }
  return deltas
}

/// The largest relative error of any module's delta; infinite when the modules differ.
func deltaError(_ found: Adapter, _ expected: Adapter) -> Double {
  let (found, expected) = (deltas(of: found), deltas(of: expected))
  guard Set(found.keys) == Set(expected.keys) else { return .infinity }
  return found.map { relativeError($1, expected[$0] ?? []) }.max() ?? .infinity
}

/// A conversion case of other programs: what goes in and what they make of it.
func conversionCase(_ name: String, _ file: String) -> FilePath {
  Fixtures.folder.appending("convert").appending("cases").appending(name).pushing(FilePath(file))
}

/// All bytes of a file.
func fileBytes(_ path: FilePath) throws -> [UInt8] {
  let descriptor = try FileDescriptor.open(path, .readOnly)
  return try descriptor.closeAfter {
    let count = Int(try descriptor.seek(offset: 0, from: .end))
    var bytes = [UInt8](repeating: 0, count: count)
    let readCount = try unsafe bytes.withUnsafeMutableBytes {
      unsafe try descriptor.read(fromAbsoluteOffset: 0, into: $0)
    }
    return Array(bytes.prefix(readCount))
  }
}
