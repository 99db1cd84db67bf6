import Adapters
import Safetensors
import SystemPackage
import Tensors
import TestSupport

/// What tools/record-algebra-goldens recorded with numpy.
enum Recorded {
  static let folder = Fixtures.folder.appending("algebra")

  static func file(_ name: String) throws -> TensorSource {
    try TensorSource(opening: folder.appending(name))
  }

  /// A module of one of the recorded adapters.
  static func module(_ adapter: String, _ path: String) throws -> AdapterModule {
    let file = try file("goldens.safetensors")
    return AdapterModule(
      path: path, down: try file.tensor(named: "\(adapter)/\(path)/down"),
      up: try file.tensor(named: "\(adapter)/\(path)/up"),
      scale: try doubles("\(adapter)/\(path)/scale")[0])
  }

  /// A recorded adapter: `a` with modules v, x, y, z or `b` with w, x, y, z.
  static func adapter(_ name: String) throws -> Adapter {
    Adapter(
      family: nil,
      modules: try ["v", "w", "x", "y", "z"].filter { ($0 != "w") == (name == "a") || $0 > "w" }
        .map { try module(name, $0) })
  }

  /// A float64 array.
  static func doubles(_ name: String) throws -> [Double] {
    let tensor = try file("goldens.safetensors").tensor(named: name)
    return try tensor.withBytes(0..<tensor.byteCount) { bytes in
      stride(from: 0, to: bytes.byteCount, by: 8).map {
        unsafe bytes.unsafeLoadUnaligned(fromByteOffset: $0, as: Double.self)
      }
    }
  }
}

/// scale · up · down by plain loops in double precision.
func change(_ module: AdapterModule) -> [Double] {
  let (down, up) = (module.down.floats(), module.up.floats())
  var change = [Double](repeating: 0, count: module.outFeatures * module.inFeatures)
  for row in 0..<module.outFeatures {
    for k in 0..<module.rank {
      let factor = module.scale * Double(up[row * module.rank + k])
      for column in 0..<module.inFeatures {
        change[row * module.inFeatures + column] +=
          factor * Double(down[k * module.inFeatures + column])
      }
    }
  }
  return change
}

/// ‖found - expected‖ / ‖expected‖; infinite when the counts differ.
func relativeError(_ found: [Double], _ expected: [Double]) -> Double {
  guard found.count == expected.count else { return .infinity }
  let difference = zip(found, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  let norm = expected.reduce(0) { $0 + $1 * $1 }
  return norm == 0 ? difference : (difference / norm).squareRoot()
}

/// A module of factors given by rows.
func module(
  _ path: String, down: [[Float]], up: [[Float]], scale: Double = 1
) -> AdapterModule {
  AdapterModule(
    path: path,
    down: TensorView(name: "", shape: [down.count, down[0].count], down.flatMap(\.self)),
    up: TensorView(name: "", shape: [up.count, up[0].count], up.flatMap(\.self)), scale: scale)
}

extension Adapter {
  init(_ modules: AdapterModule...) { self.init(family: nil, modules: modules) }
}
