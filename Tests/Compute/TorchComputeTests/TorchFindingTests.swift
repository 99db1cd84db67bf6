import Compute
import DiffusionTransformers
import Failures
import Files
import ModelTestSupport
import SystemPackage
import TestSupport
import Testing
import TorchCompute

@Suite("PyTorch is looked for where a person says")
struct TorchFindingTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func message(_ body: () throws -> Void) -> String? {
    (#expect(throws: TorchError.self) { try body() }).map { "\($0)" }
  }

  /// A package of this version whose libraries are no libraries.
  private func package(_ name: String, version: String?) throws -> FilePath {
    let package = folder.path.appending(name)
    try makeFolder(package.appending("lib"))
    try folder.write([1, 2, 3], to: "\(name)/lib/libtorch_cpu.so")
    if let version {
      try folder.write(Array("__version__ = '\(version)'\n".utf8), to: "\(name)/version.py")
    }
    return package
  }

  @Test("and in no other place than these")
  func nowhere() {
    let expected =
      "no PyTorch found in GLANCE_TORCH (unset), VIRTUAL_ENV (unset), /nowhere/.local/share/glance/torch: "
      + "name its folder with --torch, or have tools/setup-gpu install one"
    #expect(
      message {
        // The variable may not name the current folder.
        _ = try TorchInstallation.find(nil) {
          ["HOME": "/nowhere", "GLANCE_TORCH": ".", "VIRTUAL_ENV": "venv"][$0]
        }
      } == expected)
  }

  @Test("in order: the named folder, GLANCE_TORCH, the active environment, tools/setup-gpu's")
  func order() throws {
    let named = try package("named", version: "2.13.0+cpu")
    let ofVariable = try package("variable", version: nil)
    let active = try package("active/lib/python3.12/site-packages/torch", version: "2.11.0")
    _ = try package("active/lib/python3.9/site-packages/torch", version: "2.10.0")
    let own = try package("data/glance/torch/lib/python3.13/site-packages/torch", version: nil)
    var variables = [
      "GLANCE_TORCH": ofVariable.string, "VIRTUAL_ENV": folder.path.appending("active").string,
      "XDG_DATA_HOME": folder.path.appending("data").string,
    ]
    func find(_ folder: FilePath? = nil) throws -> TorchInstallation {
      try TorchInstallation.find(folder) { variables[$0] }
    }
    #expect(try find(named).folder == named.appending("lib"))
    #expect(try find(named).version == "2.13.0+cpu")
    #expect(try find().folder == ofVariable.appending("lib"))
    variables["GLANCE_TORCH"] = nil
    #expect(try find().folder == active.appending("lib"))
    #expect(try find().version == "2.11.0")
    variables["VIRTUAL_ENV"] = nil
    #expect(try find().folder == own.appending("lib"))
  }

  @Test("and a named folder without it is refused")
  func namedWithoutIt() {
    let path = folder.path
    #expect(
      message { _ = try TorchInstallation.find(path) { _ in nil } }
        == "\(path): expected a folder of PyTorch 2.10.0 or newer, a virtual environment that has it or its "
        + "torch/lib, found no libtorch_cpu.so")
    #expect(
      TorchError.noLibrary(folder: path, name: "").failureKind == .inputMissing)
  }

  private func load(_ package: FilePath) throws {
    _ = try TorchLibrary(
      TorchInstallation.find(package) { _ in nil }, for: .torch("cpu"), threads: 2)
  }

  @Test("An older one is refused by its version")
  func older() throws {
    let old = try package("old", version: "2.9.1+cu128")
    #expect(
      message { try load(old) }
        == "\(old)/lib: expected PyTorch 2.10.0 or newer, found 2.9.1+cu128: pip install 'torch>=2.10.0'"
    )
  }

  @Test("What is no library is refused with the loader's words")
  func noLibrary() throws {
    let broken = try package("broken", version: "2.13.0")
    #expect(
      message { try load(broken) }
        == "\(broken)/lib/libtorch_cpu.so: can't be loaded: \(broken)/lib/libtorch_cpu.so: file too short"
    )
  }

  @Test("Devices have PyTorch's names")
  func names() {
    #expect(TorchDeviceName("cpu") == .host && TorchDeviceName("torch-cpu") == .torch("cpu"))
    #expect(
      TorchDeviceName("cuda:1") == .torch("cuda:1") && TorchDeviceName("mps") == .torch("mps"))
    for text in ["gpu", "cuda:", "cuda:x", "cuda:01", "cuda:1:2", "cpu:0", ""] {
      #expect(TorchDeviceName(text) == nil)
    }
    #expect("\(TorchDeviceName.torch("cpu"))" == "torch-cpu")
  }

  @Test(
    "A device that isn't there is refused", FoundTorch.isThere,
    .enabled(if: (try? FoundTorch.loaded().tellsReasons) ?? false, "of PyTorch from 2.13 on"))
  func noDevice() throws {
    let library = try FoundTorch.loaded()
    let text = message {
      _ = try library.session(on: .torch("xpu:63"), precision: .float32)
    }
    #expect(
      text?.hasPrefix("--device xpu:63: PyTorch \(library.version) has no such device here: ")
        == true)
    #expect(text?.contains("\n") == false)
  }

  @Test(
    "A device computes what the trial expects", FoundTorch.isThere,
    arguments: ProductPrecision.allCases)
  func trial(precision: ProductPrecision) throws {
    let device = try TorchDevice(FoundTorch.loaded(), FoundTorch.engine(precision))
    let threads = FoundTorch.device.isProcessor ? ", 2 threads" : ""
    #expect(
      try device.record
        == "PyTorch \(FoundTorch.loaded().version), \(FoundTorch.device)\(threads), \(precision.rawValue)"
    )
  }
}
