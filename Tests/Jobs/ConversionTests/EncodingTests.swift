import Checkpoints
import Containers
import Elements
import Files
import JSON
import Rewriting
import Safetensors
import Tensors
import TestSupport
import Testing

/// Quantised weights, and what the programs that wrote them make of them: recorded by
/// `tools/record-encoding-goldens`, bit for bit.
@Suite("Encodings of other programs")
struct EncodingTests {
  static let names = [
    "bitsandbytes-fp4", "bitsandbytes-int8", "bitsandbytes-nf4", "comfyui-convrot-w4a4",
    "comfyui-int8", "comfyui-int8-convrot", "comfyui-mixed", "comfyui-mxfp8", "comfyui-nvfp4",
    "comfyui-nvfp4-zeros", "compressed-tensors-fp8", "compressed-tensors-fp8-tiles",
    "compressed-tensors-int8", "compressed-tensors-mxfp4", "compressed-tensors-mxfp8",
    "compressed-tensors-nvfp4", "modelopt", "quanto", "quanto-encoder", "quanto-packed",
    "sdnq-bits", "sdnq-bits-svd", "sdnq-float8", "sdnq-hadamard", "sdnq-hadamard-twos", "sdnq-int8",
    "sdnq-products",
    "sdnq-products-svd", "sdnq-svd", "sdnq-svd-hadamard", "sdnq-uint4", "torchao",
    "torchao-asymmetric", "torchao-intx", "transformers-fp8", "transformers-fp8-tiles",
  ]

  private let recording: EncodingRecording

  init() throws { recording = try EncodingRecording() }

  @Test("are the numbers that those make of them", arguments: names)
  func numbers(name: String) throws {
    let (file, record) = try recording.opened(name)
    for dtype in [DType.f32, .bf16] {
      let output = recording.path("\(dtype.rawValue).safetensors")
      try convert(file, to: output) { $0.form.dtype = dtype }
      let found = try TensorSource(opening: output)
      let expected = try #require(record["tensors"]?.object)
      #expect(found.tensors.map(\.name).sorted() == expected.members.map(\.key).sorted())
      for member in expected.members {
        let tensor = try found.tensor(named: member.key)
        #expect(tensor.shape == member.value["shape"]?.array?.compactMap(\.integer))
        guard let digest = member.value["sha256"]?[dtype.rawValue]?.string else { continue }
        #expect(
          unsafe SHA256.hexadecimal(of: bytes(of: tensor).span.bytes) == digest,
          "\(member.key) \(dtype)")
      }
    }
  }

  @Test(
    "are near those that a program sums in float32, where the recorded ones are its float64's",
    arguments: [
      "comfyui-convrot-w4a4", "comfyui-int8-convrot", "sdnq-bits-svd", "sdnq-hadamard",
      "sdnq-hadamard-twos", "sdnq-products-svd", "sdnq-svd", "sdnq-svd-hadamard",
    ])
  func sums(name: String) throws {
    let (file, record) = try recording.opened(name)
    let parameters = try OpenedCheckpoint(opening: file).parameters()
    let expected = try #require(record["single"]?.object)
    for member in expected.members {
      let found = try #require(parameters[member.key]).floats()
      let step = try #require(member.value["step"]?.integer)
      let values = try #require(member.value["values"]?.array).compactMap(\.double)
      let largest = try #require(member.value["largest"]?.double)
      #expect(values.count == (found.count + step - 1) / step)
      // Its sums have up to 1024 terms, each rounded to 24 bits.
      for (value, place) in zip(values, stride(from: 0, to: found.count, by: step)) {
        #expect(abs(Double(found[place]) - value) < 0x1p-20 * largest, "\(member.key) \(place)")
      }
    }
  }

  @Test("leave nothing in the header that describes codes")
  func header() throws {
    let file = try recording.opened("torchao").file
    let output = recording.path("x.safetensors")
    try convert(file, to: output) { $0.form.dtype = .f32 }
    let metadata = try TensorSource(opening: output).metadata
    #expect(metadata["a.weight"] == nil && metadata["tensor_names"] == nil)
    // Copied, it stays.
    let copy = recording.path("y.safetensors")
    try convert(file, to: copy) { _ in }
    #expect(try TensorSource(opening: copy).metadata["a.weight"] != nil)
  }

  @Test(
    "are refused by name where a tensor is missing that others need",
    arguments: [
      ("torchao-asymmetric", "a._weight_zero_point", "torchao"),
      ("torchao", "b._weight_scale", "torchao"), ("quanto", "a.weight._scale", "optimum-quanto"),
    ])
  func incomplete(name: String, missing: String, title: String) throws {
    var isThere = false
    let file = try recording.changed(name) { view in
      if view.name == missing { isThere = true }
      return view.name == missing ? nil : view
    }
    #expect(isThere, "\(missing)")
    let error = #expect(throws: (any Error).self) {
      try convert(file, to: recording.path("never.safetensors")) { $0.form.dtype = .f32 }
    }
    #expect(error.map { "\($0)".contains(title) } == true, "\(String(describing: error))")
  }

  @Test("are read row by row and from any column as in one go", arguments: names)
  func parts(name: String) throws {
    let checkpoint = try OpenedCheckpoint(opening: recording.opened(name).file)
    for weight in try checkpoint.parameters().weights where weight.shape.count == 2 {
      let whole = try weight.floats()
      let width = weight.shape[1]
      for row in [0, 1, weight.shape[0] / 2, weight.shape[0] - 1] {
        #expect(
          try weight.rows(row..<row + 1).floats() == Array(whole[row * width..<(row + 1) * width]))
        #expect(try weight.madeRows(row..<row + 1).floats() == weight.rows(row..<row + 1).floats())
      }
      let group = weight.groupLength
      for first in [0, group, width, width * 3 - group] {
        for count in [group, 3 * group, width] where first + count <= whole.count {
          var part = [Float](repeating: 0, count: count)
          var span = part.mutableSpan
          try weight.widen(first..<first + count, into: &span)
          #expect(part == Array(whole[first..<first + count]), "\(first) \(count)")
        }
      }
    }
  }
}
