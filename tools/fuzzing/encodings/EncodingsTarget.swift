import Checkpoints
import Elements
import FuzzSupport
import JSON
import MemoryFiles
import Safetensors
import SystemPackage
import Tensors

/// A safetensors file whose weights may be codes with scales: what is accepted can be widened at both ends
/// of every weight, or says which factor is none. The first byte chooses what config.json says.
@main
enum EncodingsTarget: FuzzTarget {
  /// What config.json says; nothing, or one of these.
  private static let statements: [JSONValue] = [
    .null, ["quant_method": "compressed-tensors"], ["quant_method": "fp8"],
    ["quant_method": "modelopt"],
    ["quant_method": "fp8", "weight_block_size": [3, 5]],
    ["quant_method": "sdnq", "weights_dtype": "uint4"],
    ["quant_method": "sdnq", "weights_dtype": "uint8", "modules_dtype_dict": ["int4": ["a"]]],
    ["quant_method": "sdnq", "weights_dtype": "uint8"], ["quant_method": "bitsandbytes"],
    ["quant_method": "quanto"], ["quant_method": "torchao"],
    ["quant_method": "sdnq", "weights_dtype": "uint4", "modules_dtype_dict": ["int8": ["c"]]],
    [
      "quant_method": "sdnq", "weights_dtype": "uint4", "use_hadamard": true,
      "hadamard_group_size": 64, "modules_dtype_dict": ["int8": ["b"]],
    ],
    [
      "quant_method": "compressed-tensors",
      "config_groups": ["a": ["weights": ["block_structure": [16, 32]]]],
    ],
    [
      "quant_method": "sdnq", "weights_dtype": "int8", "use_quantized_matmul": true,
      "modules_to_not_use_matmul": ["b"],
    ],
    [
      "quant_method": "compressed-tensors",
      "config_groups": [
        "a": ["weights": ["block_structure": [16, 32]], "targets": ["Linear"]],
        "b": ["weights": ["block_structure": [128, 128]], "targets": ["re:.*(a|c).*b$", "d"]],
      ],
    ],
  ]

  static func run(_ input: RawSpan) {
    guard input.byteCount > 1 else { return }
    let statement = unsafe input.withUnsafeBytes {
      statements[unsafe Int($0[0]) % statements.count]
    }
    let configuration = Configuration(
      file: "config.json",
      json: statement == .null ? [:] : ["quantization_config": statement])
    do {
      let file = try SafetensorsFile(opening: MemoryFile.path(holding: input.extracting(1...)))
      let source = try TensorSource(
        path: file.path, container: .safetensors, files: [file.path], tensors: file.tensors,
        metadata: file.metadata)
      let weights = WeightStorage(source, configuration: configuration)
      _ = weights.unreadForms().map(\.text).joined().count
      for tensor in try StoredTensors(source, weights).tensors where tensor.weight.isWidenable {
        try widen(tensor.weight)
      }
    } catch {
      _ = "\(error)"
    }
  }

  private static func widen(_ weight: StoredWeight) throws {
    let count = weight.elementCount
    let group = weight.groupLength
    let length = min(count, 4096 / group * group)
    for first in [0, (count - length) / group * group] where length > 0 {
      var values = [Float](repeating: 0, count: length)
      var span = values.mutableSpan
      try weight.widen(first..<first + length, into: &span)
    }
  }
}
