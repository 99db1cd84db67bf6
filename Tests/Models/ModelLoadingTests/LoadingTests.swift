import Compute
import Elements
import JSON
import ModelLoading
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Building a model from its files")
struct LoadingTests {
  private let loader = unsafe WeightLoader(
    file: "w.safetensors",
    tensors: [
      TensorView(name: "a.l.weight", shape: [2, 3], [1, 2, 3, 4, 5, 6]),
      TensorView(name: "a.l.bias", shape: [2], [7, .nan]),
      TensorView(name: "i", dtype: .i64, shape: [0], copying: [UInt8]().span.bytes),
    ])

  @Test func namesAMissingTensorInFull() {
    #expect(throws: ModelError.missingTensor(file: "w.safetensors", tensor: "a.x.weight")) {
      try loader.module("a").linear("x", from: 3, to: 2)
    }
  }

  @Test func tellsExpectedAndFoundShapes() {
    #expect(
      throws: ModelError.shapeMismatch(
        file: "w.safetensors", tensor: "a.l.weight", expected: [2, 4], found: [2, 3])
    ) { try loader.module("a").linear("l", from: 4, to: 2) }
  }

  @Test func refusesIntegersAndValuesThatAreNotFinite() throws {
    #expect(
      throws: ModelError.unsupportedDType(file: "w.safetensors", tensor: "i", found: "I64")
    ) { try loader.stored("i", shape: [0]) }
    #expect(throws: ModelError.notFinite(file: "w.safetensors", tensor: "a.l.bias")) {
      try loader.module("a").linear("l", from: 3, to: 2)
    }
    #expect(loader.firstNotFinite() == "a.l.bias")
  }

  @Test(
    arguments: [
      ("x", "nothing"), ("0", "0"), ("4.0", "4.0"), ("\"4\"", "\"4\""), ("1e99", "1e+99"),
      ("10000000", "10000000"),
    ])
  func refusesACountOfAnotherKindOrRange(text: String, found: String) throws {
    let json = try JSONValue(parsing: text == "x" ? "{}" : #"{"n": \#(text)}"#)
    let configuration = try ModelConfiguration(json, file: "config.json")
    expectRefusal(
      ModelError.self,
      saying: "config.json: 'n': expected an integer from 1 to 1000000, found \(found)"
    ) { try configuration.integer("n") }
    #expect(try configuration.integer("other", default: 3) == 3)
  }
}
