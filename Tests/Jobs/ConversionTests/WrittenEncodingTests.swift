import Checkpoints
import Concurrency
import Elements
import Files
import JSON
import Rewriting
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Codes with factors beside them as comfy-kitchen makes them, recorded by
/// `tools/record-encoding-goldens`, bit for bit.
@Suite("Encodings that are written")
struct WrittenEncodingTests {
  static let forms = ["int8", "nvfp4", "mxfp8"]
  /// Rows and columns that are no whole parts of blocked factors, and several such parts.
  private static let model = TinyModel(
    title: "wide", hidden: 160, mlp: 288, head: 32, doubleBlocks: 1, singleBlocks: 1)
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String) -> FilePath { folder.path.appending(name + ".safetensors") }

  private static func record() throws -> JSONValue {
    try JSONValue(
      parsing: Fixtures.text(Fixtures.folder.appending("encodings").appending("written.json")))
  }

  /// The recording's formula.
  private static func formula(_ rows: Int, _ columns: Int, _ seed: UInt32) -> [Float] {
    (0..<rows * columns).map { index in
      let (row, column) = index.quotientAndRemainder(dividingBy: columns)
      if row == 1 || row == 2 && column < 32 { return 0 }
      var x = UInt32(index) &* 747_796_405 &+ seed
      for _ in 0..<2 { x = (x ^ x >> 16) &* 0x45D9F3B }
      let number = Float(x >> 8) * 0x1p-24 - 0.5
      return number / Float(1 << (row % 7))
    }
  }

  /// A checkpoint with the formula's numbers in the recorded matrices.
  private func base(_ dtype: DType) throws -> FilePath {
    if !folder.entries.contains("random.safetensors") {
      try Self.model.write(to: file("random"), dtype: .f32)
    }
    let names = try Self.record()["int8"]?["F32"]?.object?.members.map(\.key) ?? []
    #expect(names.count == 3)
    let views = try TensorSource(opening: file("random")).tensors.map { view in
      guard let number = names.firstIndex(where: { "\($0).weight" == view.name }) else {
        return view.cast(to: dtype)
      }
      return TensorView(
        name: view.name, shape: view.shape,
        Self.formula(view.shape[0], view.shape[1], UInt32(number + 1))
      ).cast(to: dtype)
    }
    try writeSafetensors(views, to: file("base"), overwrite: true)
    return file("base")
  }

  @Test(
    "have the codes and factors of comfy-kitchen, and stand for its numbers", arguments: forms)
  func codes(form: String) throws {
    for dtype in [DType.f32, .bf16] {
      let result = try convert(base(dtype), to: file("coded")) {
        $0.form.encoding = form
        $0.form.overwrite = true
      }
      try convert(file("coded"), to: file("back")) {
        $0.form.dtype = .f32
        $0.form.overwrite = true
      }
      let (found, back) = (
        try TensorSource(opening: file("coded")), try TensorSource(opening: file("back"))
      )
      let layers = try #require(try Self.record()[form]?[dtype.rawValue]?.object)
      for layer in layers.members {
        for member in layer.value.object?.members ?? [] {
          let tensor: TensorView
          switch member.key {
          case "relative_error":
            let error = result.errors.first { $0.tensor == "\(layer.key).weight" }?.error.relative
            // Sums of 10^5 squares in another order.
            #expect(abs((error ?? 0) / (member.value.double ?? 0) - 1) < 1e-12)
            continue
          case "decoded": tensor = try back.tensor(named: "\(layer.key).weight")
          default: tensor = try found.tensor(named: "\(layer.key).\(member.key)")
          }
          #expect(
            unsafe SHA256.hexadecimal(of: bytes(of: tensor).span.bytes) == member.value.string,
            "\(layer.key) \(member.key) \(dtype)")
        }
      }
    }
  }

  @Test("have the tensors, types and shapes that ComfyUI reads, of the blocks' matrices")
  func tensors() throws {
    let expected: [String: [String: String]] = [
      "int8": [
        "weight": "I8 [288, 160]", "weight_scale": "F32 [288, 1]",
        "comfy_quant": "{\"format\": \"int8_tensorwise\"}",
      ],
      "nvfp4": [
        "weight": "U8 [288, 80]", "weight_scale": "F8_E4M3 [384, 12]", "weight_scale_2": "F32 []",
        "comfy_quant": "{\"format\": \"nvfp4\"}",
      ],
      "mxfp8": [
        "weight": "F8_E4M3 [288, 160]", "weight_scale": "F8_E8M0 [384, 8]",
        "comfy_quant": "{\"format\": \"mxfp8\"}",
      ],
    ]
    let input = try base(.bf16)
    for form in Self.forms {
      let result = try convert(input, to: file(form)) { $0.form.encoding = form }
      #expect(result.errors.count == 13)
      let source = try TensorSource(opening: file(form))
      let layer = "double_blocks.0.img_mlp.0."
      let found = source.tensors.filter { $0.name.hasPrefix(layer) && !$0.name.hasSuffix("bias") }
      #expect(
        Dictionary(
          uniqueKeysWithValues: found.map { tensor in
            (
              String(tensor.name.dropFirst(layer.count)),
              tensor.name.hasSuffix("comfy_quant")
                ? String(decoding: bytes(of: tensor), as: UTF8.self)
                : "\(tensor.dtype.rawValue) \(tensor.shape)"
            )
          }) == expected[form])
      #expect(source.tensors.count { $0.name.hasSuffix(".comfy_quant") } == 13)
      // Everything else is as it was.
      for tensor in try TensorSource(opening: input).tensors
      where !tensor.name.contains("_blocks.") || tensor.shape.count != 2 {
        #expect(bytes(of: tensor) == bytes(of: try source.tensor(named: tensor.name)))
      }
      let description = try OpenedCheckpoint(opening: file(form)).description
      #expect(description.weights.forms(under: "").map(\.form.name) == [form])
    }
  }

  @Test("are the same bytes from 1, 2 and 3 threads, compressed, and in shards", arguments: forms)
  func threads(form: String) throws {
    let input = try base(.bf16)
    let all = try atWidths([1, 2, 3]) {
      try ["file.safetensors", "packed.safetensors", "shards"].map { name in
        let output = folder.path.appending("\(Parallel.threadCount)-\(name)")
        try convert(input, to: output) {
          $0.form.encoding = form
          $0.form.isCompressed = name == "packed.safetensors"
          if name == "shards" {
            $0.form.shardByteLimit = 100_000
          }
        }
        let source = try OpenedCheckpoint(opening: output).source
        return source.tensors.sorted { $0.name < $1.name }.map { bytes(of: $0) }
      }
    }.flatMap(\.self)
    #expect(all.count == 9 && all.allSatisfy { $0 == all[0] })
  }

  @Test("stay as they are where they are of the form already, in another layout too")
  func kept() throws {
    for form in Self.forms {
      try convert(base(.bf16), to: file("once")) {
        $0.form.encoding = form
        $0.form.overwrite = true
      }
      let result = try convert(file("once"), to: file("again")) {
        $0.form.encoding = form
        $0.layout = "comfyui"
        $0.form.overwrite = true
      }
      #expect(result.errors.isEmpty)
      let (once, again) = (
        try TensorSource(opening: file("once")), try TensorSource(opening: file("again"))
      )
      #expect(once.tensors.count == again.tensors.count)
      for tensor in once.tensors {
        let other = try again.tensor(named: "model.diffusion_model." + tensor.name)
        #expect(other.dtype == tensor.dtype && other.shape == tensor.shape)
        #expect(bytes(of: other) == bytes(of: tensor), "\(tensor.name)")
      }
    }
    // Rows of a weight are coded anew; with powers of two for factors that loses nothing.
    try convert(file("again"), to: file("split")) {
      $0.form.encoding = "mxfp8"
      $0.layout = "diffusers"
    }
    let (split, whole) = (
      try OpenedCheckpoint(opening: file("split")).parameters(),
      try OpenedCheckpoint(opening: file("again")).parameters()
    )
    for name in ["to_k", "to_v"].map({ "single_transformer_blocks.0.attn.\($0).weight" }) {
      #expect(try #require(split[name]).floats() == #require(whole[name]).floats())
    }
  }

  @Test("are chosen by rules, the last one first, by any name of a module")
  func rules() throws {
    let input = try base(.bf16)
    try convert(input, to: file("mixed")) {
      $0.form.encoding =
        "nvfp4,double_blocks.0=mxfp8,img_mod=bf16,ff_context.net.2=int8,txt_in=fp8,single.0.proj_out=fp8"
    }
    let source = try TensorSource(opening: file("mixed"))
    let notes = source.tensors.filter { $0.name.hasSuffix(".comfy_quant") }.map {
      "\($0.name.dropLast(".comfy_quant".count)) "
        + String(decoding: bytes(of: $0), as: UTF8.self).split(separator: "\"")[3]
    }
    #expect(
      Set(notes) == [
        "double_blocks.0.img_attn.qkv mxfp8", "double_blocks.0.img_attn.proj mxfp8",
        "double_blocks.0.img_mlp.0 mxfp8", "double_blocks.0.img_mlp.2 mxfp8",
        "double_blocks.0.txt_mod.lin mxfp8", "double_blocks.0.txt_attn.qkv mxfp8",
        "double_blocks.0.txt_attn.proj mxfp8", "double_blocks.0.txt_mlp.0 mxfp8",
        "double_blocks.0.txt_mlp.2 int8_tensorwise", "single_blocks.0.linear1 nvfp4",
        "single_blocks.0.linear2 float8_e4m3fn", "single_blocks.0.modulation.lin nvfp4",
        "txt_in float8_e4m3fn",
      ])
    #expect(try source.tensor(named: "double_blocks.0.img_mod.lin.weight").dtype == .bf16)
    let counts = try OpenedCheckpoint(opening: file("mixed")).description.weights.layerCounts()
    #expect(counts.first { $0.name == "mxfp8" }?.count == 8)
  }

  @Test("are left out where rows or columns are no whole blocks, which is said")
  func unfit() throws {
    let narrow = TinyModel(title: "narrow", hidden: 48, mlp: 96, head: 8)
    try narrow.write(to: file("narrow"))
    var request = RewritingRequest(input: file("narrow"), output: file("out"))
    request.form.encoding = "mxfp8"
    let plan = try RewritingPlan(request)
    #expect(
      plan.notes == [
        "of shapes that are no whole blocks in the programs that read the codes, and left in 16 bits: "
          + "'double_blocks.0.img_mod.lin.weight' and 25 more"
      ])
    #expect(try plan.write { _ in }.errors.isEmpty)
    #expect(try contents(of: file("out")) == contents(of: file("narrow")))
  }

  @Test("refuse numbers that they have no codes for", arguments: forms)
  func notFinite(form: String) throws {
    let name = "double_blocks.0.img_mlp.0.weight"
    let views = try TensorSource(opening: base(.f32)).tensors.map { view in
      guard view.name == name else { return view }
      var values = view.floats()
      values[40_000] = .nan
      return TensorView(name: name, shape: view.shape, values)
    }
    try writeSafetensors(views, to: file("nan"), overwrite: false)
    let error = #expect(throws: RewritingError.self) {
      try convert(file("nan"), to: file("out")) { $0.form.encoding = form }
    }
    #expect(
      error.map { "\($0)" }
        == "\(file("nan")): tensor '\(name)': holds an infinity or NaN, which \(form) can't store, "
        + "expected finite numbers; leave it as it is with --encoding "
        + "'\(form),double_blocks.0.img_mlp.0=bf16'")
    #expect(!folder.entries.contains("out.safetensors"))
    try convert(file("nan"), to: file("out")) {
      $0.form.encoding = "\(form),double_blocks.0.img_mlp.0=bf16"
    }
  }

  @Test("hold zeros and the smallest numbers", arguments: forms)
  func small(form: String) throws {
    let name = "double_blocks.0.img_mlp.0.weight"
    for number in [Float(0), -0.0, 0x1p-140, 0x1p-126, 0x1p-120] {
      let views = try TensorSource(opening: base(.f32)).tensors.map { view in
        guard view.name == name else { return view }
        return TensorView(
          name: name, shape: view.shape,
          (0..<view.elementCount).map { $0 % 3 == 0 ? number : -number })
      }
      try writeSafetensors(views, to: file("small"), overwrite: true)
      try convert(file("small"), to: file("coded")) {
        $0.form.encoding = form
        $0.form.overwrite = true
      }
      try convert(file("coded"), to: file("back")) {
        $0.form.dtype = .f32
        $0.form.overwrite = true
      }
      let found = try TensorSource(opening: file("back")).tensor(named: name).floats()
      // Factors are no smaller than 1e-30 for int8, else 2^-126, with steps of 2^-9 of that.
      let least: Float = form == "int8" ? 0.5e-30 : 0x1p-127
      #expect(found.allSatisfy { abs(abs($0) - abs(number)) <= max(abs(number) / 8, least) })
    }
  }

  @Test(
    "are refused where they can't be meant",
    arguments: [
      ("int4", "--encoding: expected one of int8, mxfp8, nvfp4, fp8, bf16, found 'int4'"),
      ("", "--encoding: expected one of int8, mxfp8, nvfp4, fp8, bf16, found ''"),
      (
        "int8,nvfp4", "--encoding: expected one form and then NAME=FORM, found 'int8,nvfp4'"
      ),
      (
        "error=3%",
        "--encoding: error= limits the error of matrices that get codes; expected a form that gives "
          + "them, as in nvfp4,error=5%, found 'error=3%'"
      ),
      (
        "bf16,img_mod=bf16,error=3%",
        "--encoding: error= limits the error of matrices that get codes; expected a form that gives "
          + "them, as in nvfp4,error=5%, found 'bf16,img_mod=bf16,error=3%'"
      ),
      (
        "nvfp4,error=5%,error=1%",
        "--encoding: expected one error=PERCENT%, found 'nvfp4,error=5%,error=1%'"
      ),
      (
        "int8,0=bf16",
        "--encoding: '0' names no part of a model; expected words between dots, as in "
          + "double_blocks.0-7=mxfp8 or img_mod=bf16"
      ),
      (
        "int8,double_blocks.7=bf16",
        "--encoding: 'double_blocks.7' is the name of no matrix that is written; expected a part of a "
          + "name such as 'img_in'"
      ),
    ])
  func refused(encoding: String, text: String) throws {
    let input = try base(.bf16)
    let error = #expect(throws: RewritingError.self) {
      try convert(input, to: file("out")) { $0.form.encoding = encoding }
    }
    #expect(error.map { "\($0)" } == text)
  }

  @Test("go with nothing else that decides how elements are stored")
  func alone() throws {
    let input = try base(.bf16)
    func refuse(_ text: String, _ change: (inout OutputForm) -> Void) {
      let error = #expect(throws: RewritingError.self) {
        try convert(input, to: file("out")) {
          $0.form.encoding = "int8"
          change(&$0.form)
        }
      }
      #expect(error.map { "\($0)" } == text)
    }
    let text = "--encoding decides how elements are stored; leave --dtype and --scaled out"
    refuse(text) { $0.dtype = .f8E4M3 }
    refuse(text) { $0.scaled = .generation2 }
    refuse("--rounding: the codes of --encoding are rounded to nearest") { $0.rounding = .feedback }
    let error = #expect(throws: RewritingError.self) {
      try convert(input, to: folder.path.appending("out.gguf")) { $0.form.encoding = "int8" }
    }
    #expect(
      error.map { "\($0)" }
        == "--gguf decides how elements are stored; leave --dtype, --scaled and --encoding out")
  }

  // MARK: A limit of the error

  private func within(
    _ encoding: String, to name: String, from base: FilePath
  ) throws -> (plan: RewritingPlan, result: RewritingResult) {
    var request = RewritingRequest(input: base, output: file(name))
    request.form.encoding = encoding
    let plan = try RewritingPlan(request.withinErrorLimit { _ in })
    return (plan, try plan.write { _ in })
  }

  /// The error of the matrices of blocks, by reading both files.
  private func relativeError(of output: FilePath, from base: FilePath) throws -> Double {
    let stored = try OpenedCheckpoint(opening: output).parameters()
    let given = try OpenedCheckpoint(opening: base).parameters()
    var (difference, total) = (0.0, 0.0)
    for (name, weight) in zip(given.names, given.weights)
    where name.contains("_blocks.") && weight.shape.count == 2 {
      let found = try #require(stored[name]).floats()
      for (left, right) in zip(found, try weight.floats()) {
        difference += Double(left - right) * Double(left - right)
        total += Double(right) * Double(right)
      }
    }
    return (difference / total).squareRoot()
  }

  /// The other layers keep nvfp4, whose error is some 9.5 % and mxfp8's some 2.7 %.
  @Test(
    "keep the error that is asked for, with more bits for the layers that need them",
    arguments: [8.0, 2, 0.5])
  func errorLimit(percent: Double) throws {
    let forms: Set = percent == 8 ? ["mxfp8"] : percent == 2 ? ["bf16", "mxfp8"] : ["bf16"]
    let model = TinyModel(
      title: "dev", hidden: 128, mlp: 256, head: 32, doubleBlocks: 2, singleBlocks: 2)
    try model.write(to: file("base"), dtype: .bf16)
    let all = try within("nvfp4", to: "all", from: file("base"))
    let found = try within("nvfp4,error=\(percent)%", to: "limited", from: file("base"))
    let error = try relativeError(of: file("limited"), from: file("base"))
    // What isn't needed isn't raised.
    #expect(error <= percent / 100 && error > 0.5 * percent / 100, "\(error)")
    let raised = try #require(found.plan.request.form.raised)
    #expect(Set(raised.map(\.form)).isSuperset(of: forms))
    #expect(Set(raised.map(\.layer)).count == raised.count)
    #expect(found.plan.byteCount > all.plan.byteCount)
  }

  @Test("leave everything as the rules say where that is near enough")
  func wideErrorLimit() throws {
    let base = try base(.bf16)
    let plain = try within("nvfp4,img_mod=bf16", to: "plain", from: base)
    let limited = try within("nvfp4,img_mod=bf16,error=50%", to: "limited", from: base)
    #expect(limited.plan.request.form.raised == [])
    #expect(limited.plan.byteCount == plain.plan.byteCount)
    #expect(try contents(of: file("limited")) == contents(of: file("plain")))
  }

  @Test("refuse limits that are none, and merges with one")
  func badLimits() throws {
    let base = try base(.bf16)
    for limit in ["3", "0%", "-1%", "100%", "x%", ""] {
      expectRefusal(
        RewritingError.self,
        saying:
          "--encoding: error: expected a percentage above 0 and below 100, such as error=3%, found "
          + "'\(limit)'"
      ) { try within("nvfp4,error=\(limit)", to: "never", from: base) }
    }
    var request = RewritingRequest(input: base, output: file("never"))
    request.form.encoding = "nvfp4,error=3%"
    expectRefusal(
      RewritingError.self, saying: "--encoding: error=… needs the numbers as they will be"
    ) { try RewritingPlan(request) }
  }
}
